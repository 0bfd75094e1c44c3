import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';
import type { RosterItem } from './items';

/** Where a piece of a YAML file stands. */
export interface YamlPlace {
  readonly firstLine: number;
  /** The list that the piece is an item of; undefined: it is an entry of the file itself. */
  readonly section: 'user' | 'group' | undefined;
}

const LISTS: Readonly<Record<string, 'user' | 'group'>> = { users: 'user', groups: 'group' };

/** The people and groups in one piece of YAML: an item of a list, or `users: [...]`. */
export function readYaml(text: string, place: YamlPlace): readonly RosterItem[] {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    prettyErrors: false,
    logLevel: 'silent',
  });
  const lineAt = (offset: number): number => place.firstLine + Math.max(0, lines.linePos(offset).line - 1);
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    const ofUser = place.section === 'user' ? { of: 'user' as const } : {};
    return problems.slice(0, 1).map((error) => ({
      ...problem(lineAt(error.pos[0]), `is not valid YAML: ${error.message.slice(0, 200)}`),
      ...ofUser,
    }));
  }
  const reader = { document, lineOf: (node: Node | null) => lineAt(node?.range?.[0] ?? 0) };
  const root = document.contents;
  if (isSeq(root)) return readList(reader, root, place.section ?? 'user');
  if (place.section === undefined && isMap(root)) return readRoot(reader, root);
  return [
    problem(
      place.firstLine,
      place.section === undefined ? 'must be "users:" with a list, or a list of users' : 'has an item without a dash',
    ),
  ];
}

interface Reader {
  readonly document: Document;
  readonly lineOf: (node: Node | null) => number;
}

function readRoot(reader: Reader, root: YAMLMap): readonly RosterItem[] {
  return root.items.flatMap((pair): readonly RosterItem[] => {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const list = Object.hasOwn(LISTS, key) ? LISTS[key] : undefined;
    const node = pair.value as Node | null;
    const line = reader.lineOf(pair.key as Node | null);
    if (list === undefined)
      return [problem(line, `has the unknown key "${key.slice(0, 60)}"; a roster has users and groups`)];
    return isSeq(node) ? readList(reader, node, list) : [problem(line, `"${key}" must be a list`)];
  });
}

function readList(
  reader: Reader,
  list: { readonly items: readonly unknown[] },
  kind: 'user' | 'group',
): readonly RosterItem[] {
  return list.items.map((item): RosterItem => {
    const node = item as Node;
    const line = reader.lineOf(node);
    try {
      return { kind, line, value: node.toJS(reader.document, { mapAsMap: true, maxAliasCount: 100 }) as unknown };
    } catch {
      // The only thing that still can go wrong: aliases that unfold without end.
      return {
        kind: 'problem',
        line,
        detail: 'uses too many aliases',
        ...(kind === 'user' ? { of: 'user' as const } : {}),
      };
    }
  });
}

function problem(line: number, detail: string): RosterItem & { readonly kind: 'problem' } {
  return { kind: 'problem', line, detail };
}
