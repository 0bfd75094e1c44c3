import { mapGroups } from './mapping';
import { candidateName } from './names';
import type { MappedGroup, MappingRules, MappingSource } from './mapping';
import type { CleanRules } from './names';

/** What other rules would make of one group or state. */
export interface SourceChange {
  readonly source: MappingSource;
  /** Names of remote groups, as the service takes them. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Its members keep their memberships: the remote group only gets another name. */
  readonly isRename: boolean;
}

export interface MappingChange {
  readonly before: readonly MappedGroup[];
  readonly after: readonly MappedGroup[];
  /** Groups and states that would lead elsewhere, in the order given. */
  readonly changes: readonly SourceChange[];
}

/** Compares two sets of rules over all groups and states; nothing is written. */
export function compareMappings(
  rules: { readonly before: MappingRules; readonly after: MappingRules },
  sources: readonly MappingSource[],
  clean: CleanRules | undefined,
): MappingChange {
  const before = mapGroups(rules.before, sources);
  const after = mapGroups(rules.after, sources);
  const earlier = bySource(before);
  const later = bySource(after);
  const namesOf = (mapped: readonly MappedGroup[]): readonly string[] =>
    mapped.map((group) => candidateName(group.remoteName, 0, clean)).toSorted();
  const changes = sources.flatMap((source): readonly SourceChange[] => {
    const was = earlier.get(keyOf(source)) ?? [];
    const will = later.get(keyOf(source)) ?? [];
    const names = { before: namesOf(was), after: namesOf(will) };
    const isRename = sameList(originsOf(was), originsOf(will));
    if (isRename && sameList(names.before, names.after)) return [];
    return [{ source, ...names, isRename }];
  });
  return { before, after, changes };
}

function bySource(mapped: readonly MappedGroup[]): ReadonlyMap<string, readonly MappedGroup[]> {
  const found = new Map<string, MappedGroup[]>();
  for (const group of mapped) found.set(keyOf(group.source), [...(found.get(keyOf(group.source)) ?? []), group]);
  return found;
}

function keyOf({ kind, id }: MappingSource): string {
  return `${kind} ${id}`;
}

function originsOf(mapped: readonly MappedGroup[]): readonly string[] {
  return mapped.map((group) => group.origin).toSorted();
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((entry, place) => entry === other[place]);
}
