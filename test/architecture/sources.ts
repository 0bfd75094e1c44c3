import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const ROOT = join(__dirname, '..', '..');

/** Made, downloaded or not ours. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.muster', 'coverage']);

/** Every file of the project, as a path from its root with `/`. */
export function projectFiles(folder = ROOT): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return projectFiles(path);
    return entry.isFile() ? [relative(ROOT, path).split(sep).join('/')] : [];
  });
}

/** TypeScript sources, also those of tests. */
export function sourceFiles(): readonly string[] {
  return projectFiles().filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
}

/** Tests and what only tests use. */
export function isTest(file: string): boolean {
  return file.startsWith('test/') || file.includes('/testing/') || /\.(test|slow)\.ts$/.test(file);
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

export interface Import {
  readonly specifier: string;
  /** Leaves nothing in the compiled code. */
  readonly isType: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?[^;'"`]*?\bfrom\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const CALL = /\b(?:import|require|require\.resolve)\(\s*'([^']+)'/g;

/** What a source imports, in whatever way. Reads the text: TypeScript 7 has no parser to call. */
export function importsOf(text: string): readonly Import[] {
  const statements = [...text.matchAll(STATEMENT)].map(([, type, specifier = '']) => ({
    specifier,
    isType: type !== undefined,
  }));
  const others = [...text.matchAll(BARE), ...text.matchAll(CALL)].map(([, specifier = '']) => ({
    specifier,
    isType: false,
  }));
  return [...statements, ...others];
}
