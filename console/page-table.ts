import type { PageDefinition } from './page';

interface Compiled {
  readonly page: PageDefinition;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export interface FoundPage {
  readonly page: PageDefinition;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds pages by address; a fixed segment goes before a parameter. */
export class PageTable {
  readonly #compiled: readonly Compiled[];

  constructor(pages: readonly PageDefinition[]) {
    this.#compiled = [...pages]
      .sort((a, b) => (rank(a.path) < rank(b.path) ? -1 : 1))
      .map((page) => ({
        page,
        pattern: new RegExp(`^${page.path.replace(/\{\w+\}/g, '([^/]+)')}$`),
        names: [...page.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''),
      }));
  }

  /** The page for a method and a path; `other method` when only another one is possible there. */
  find(method: string, path: string): FoundPage | 'other method' | undefined {
    const matching = this.#compiled.filter(({ pattern }) => pattern.test(path));
    const found = matching.find(({ page }) => page.method === method);
    if (found === undefined) return matching.length > 0 ? 'other method' : undefined;
    const values = found.pattern.exec(path)?.slice(1) ?? [];
    const params = Object.fromEntries(
      found.names.map((name, index) => [name, decodeURIComponent(values[index] ?? '')]),
    );
    return { page: found.page, params };
  }
}

function rank(path: string): string {
  return path.replace(/\{\w+\}/g, '\uffff');
}
