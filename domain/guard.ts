/** How much may be taken away from a service within 24 h before a person must look. */

export type GuardKind = 'removal' | 'disable' | 'group removal';

export interface GuardLimit {
  /** Always allowed, however small the service. Default 10. */
  readonly minimum: number;
  /** Share of the population. Default 10. */
  readonly percent: number;
  /** Never more than this. Default 1,000. */
  readonly maximum: number;
}

export const DEFAULT_GUARD: GuardLimit = { minimum: 10, percent: 10, maximum: 1000 };

/** Settings of a service: per kind, what differs from the default. */
export type GuardSettings = Readonly<Partial<Record<GuardKind, Partial<GuardLimit>>>> & {
  /** The whole service stands still from when something is staged until all of it is decided. Default false. */
  readonly pause?: boolean;
};

/** The number that may be taken: max(minimum, min(percent of the population, maximum)). */
export function guardLimit(settings: GuardSettings, kind: GuardKind, population: number): number {
  const limit = { ...DEFAULT_GUARD, ...settings[kind] };
  return Math.max(limit.minimum, Math.min(Math.floor((population * limit.percent) / 100), limit.maximum));
}

/** Removals and disables are one family: together they must stay below the limit. Group removals are counted apart. */
export function guardFamily(kind: GuardKind): readonly GuardKind[] {
  return kind === 'group removal' ? ['group removal'] : ['removal', 'disable'];
}
