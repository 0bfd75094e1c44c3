/** Which remote groups a service should have for Muster's groups and states: pure rules, in order, deny first. */

export interface MappingRules {
  readonly groups?: {
    /** `by name` (default): every allowed group gets a remote group named by `template`. `none`: only the table counts. */
    readonly default?: 'by name' | 'none';
    /** Default `{group}`. */
    readonly template?: string;
    /** Group name -> remote group names; wins over the default, also over allow and deny. */
    readonly table?: Readonly<Record<string, readonly string[]>>;
    /** Patterns with `*`. Absent: everything is allowed. */
    readonly allow?: readonly string[];
    /** Patterns with `*`; deny wins over allow. */
    readonly deny?: readonly string[];
  };
  readonly states?: {
    /** State name -> remote group names. A state maps to a remote group only where this says so. */
    readonly table?: Readonly<Record<string, readonly string[]>>;
  };
  readonly accounts?: {
    /** A format: people for whom it says the same, and not nothing, share one account, which is in the groups of all of them. */
    readonly sharedBy?: string;
  };
  /** Remote groups with these names are never touched. Patterns with `*`, case-insensitive. */
  readonly reserved?: readonly string[];
}

export interface MappingSource {
  readonly kind: 'group' | 'state';
  readonly id: string;
  readonly name: string;
}

/** One arrow of the mapping. `origin` is the identity of the remote group: it survives a rename of its source. */
export interface MappedGroup {
  readonly source: MappingSource;
  readonly origin: string;
  readonly remoteName: string;
  /** The rule, in words for `explain`. */
  readonly rule: string;
}

/** Applies the rules to all groups and states. Names are not yet cleaned for the service. */
export function mapGroups(rules: MappingRules, sources: readonly MappingSource[]): readonly MappedGroup[] {
  return sources
    .flatMap((source) => (source.kind === 'group' ? mapGroup(rules, source) : mapState(rules, source)))
    .filter((mapped) => !matchesAny(rules.reserved ?? [], mapped.remoteName));
}

function mapGroup(rules: MappingRules, source: MappingSource): readonly MappedGroup[] {
  const groups = rules.groups ?? {};
  const listed = ownEntry(groups.table, source.name);
  if (listed !== undefined) return listed.map((remoteName) => named(source, remoteName));
  if (groups.default === 'none') return [];
  if (matchesAny(groups.deny ?? [], source.name)) return [];
  if (groups.allow !== undefined && !matchesAny(groups.allow, source.name)) return [];
  const template = groups.template ?? '{group}';
  // A function, because `$&` in a name would else be read as an instruction.
  const remoteName = template.replaceAll('{group}', () => source.name);
  return [{ source, origin: `group:${source.id}`, remoteName, rule: `groups by name, template "${template}"` }];
}

function mapState(rules: MappingRules, source: MappingSource): readonly MappedGroup[] {
  const listed = ownEntry(rules.states?.table, source.name) ?? [];
  return listed.map((remoteName) => named(source, remoteName));
}

function named(source: MappingSource, remoteName: string): MappedGroup {
  return { source, origin: `name:${remoteName}`, remoteName, rule: `table entry "${source.name}" of ${source.kind}s` };
}

function ownEntry<T>(table: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

/** True if the name matches one of the patterns; `*` stands for any run of characters, case does not matter. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => patternOf(pattern).test(name));
}

function patternOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 'isu');
}
