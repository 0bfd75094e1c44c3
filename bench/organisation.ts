/** A made-up organisation: the same size gives the same one. */
export interface BenchPerson {
  readonly externalId: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
  readonly state: string;
  readonly groups: readonly string[];
}

/** `people` persons in `groups` groups, each in five of them. */
export function makeOrganisation(people: number, groups: number): readonly BenchPerson[] {
  return Array.from({ length: people }, (_unused, index) => ({
    externalId: `bench-${index}`,
    username: `bench${index}`,
    displayName: `Bench Person ${index}`,
    email: `bench${index}@example.org`,
    state: 'Member',
    groups: Array.from({ length: 5 }, (_nothing, nth) => `crew${(index * 7 + nth * 13) % groups}`),
  }));
}
