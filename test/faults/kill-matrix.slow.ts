import { addService, rolesOf, sendRoster, unhappyOperations, untilHealed, untilShown, wrongSyncs } from './cohort';
import type { RosterEntry, WantedRole } from './cohort';
import { COMPONENTS, startInstallation } from './installation';
import type { Component, Installation } from './installation';
import { killAllProcesses } from './real-process';

const FEW = 15;
const MANY = 300;

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation();
  await addService(installation);
}, 180_000);
afterAll(async () => {
  await installation.close();
  await killAllProcesses();
});

/** People whose names begin alike, so that the catalog shows them apart from all others. */
function cohortOf(mark: string, size: number): readonly RosterEntry[] {
  return Array.from({ length: size }, (_, index) => {
    const username = `${mark}.${String(index).padStart(3, '0')}`;
    return { externalId: username, username, groups: [`${mark}-all`] };
  });
}

function wantedOf(people: readonly RosterEntry[]): readonly WantedRole[] {
  return people.map(({ username, groups = [] }) => ({ name: username, groups: groups.toSorted() }));
}

/** Half of them are renamed, all get one more group. */
function altered(people: readonly RosterEntry[], mark: string): readonly RosterEntry[] {
  return people.map((person, index) => ({
    ...person,
    username: index % 2 === 0 ? person.username : `${person.username}-new`,
    groups: [...(person.groups ?? []), `${mark}-some`],
  }));
}

/** How far the work is when the process is killed: just accepted, begun, or half done. */
const MOMENTS = { accepted: 0, begun: 0.05, 'half done': 0.5 } as const;
type Moment = keyof typeof MOMENTS;

interface Act {
  readonly people: readonly RosterEntry[];
  readonly wanted: readonly WantedRole[];
  /** How many of the people are as they should be. */
  readonly done: () => Promise<number>;
}

/** Commits the act, kills at the moment, lets everything start again, and looks whether the target is as it must be. */
async function cut(
  act: Act,
  beginning: string,
  how: { readonly victims: readonly Component[]; readonly moment: Moment },
): Promise<void> {
  await sendRoster(installation, act.people);
  const enough = Math.ceil(act.people.length * MOMENTS[how.moment]);
  if (enough > 0)
    await untilShown(`${enough} of ${act.people.length} are done`, async () => (await act.done()) >= enough);
  await installation.kill(...how.victims);

  expect(await untilHealed(installation)).toEqual([]);
  expect(await rolesOf(installation, beginning)).toEqual(act.wanted);
}

function actOf(people: readonly RosterEntry[], beginning: string, wanted: readonly WantedRole[]): Act {
  const goal = new Set(wanted.map((role) => JSON.stringify(role)));
  const done = async (): Promise<number> => {
    const shown = await rolesOf(installation, beginning);
    // Who is to go counts as done when there is no role any more.
    if (wanted.length === 0) return people.length - shown.length;
    return shown.filter((role) => goal.has(JSON.stringify(role))).length;
  };
  return { people, wanted, done };
}

describe.each(COMPONENTS)('kill -9 of the %s', (victim) => {
  const victims = [victim];

  test.each(['accepted', 'begun', 'half done'] as const)(
    'when creating, altering and removing accounts is %s leaves all as it should be',
    async (moment) => {
      const mark = `${victim.toLowerCase()}-${moment.replace(' ', '-')}`;
      const people = cohortOf(mark, FEW);
      const changed = altered(people, mark);
      const gone = changed.map((person) => ({ ...person, active: false }));

      await cut(actOf(people, mark, wantedOf(people)), mark, { victims, moment });
      await cut(actOf(changed, mark, wantedOf(changed)), mark, { victims, moment });
      await cut(actOf(gone, mark, []), mark, { victims, moment });
    },
  );

  test.each(['begun', 'half done'] as const)(
    'when a bulk run of 300 accounts is %s loses and doubles nothing',
    async (moment) => {
      const mark = `${victim.toLowerCase()}-bulk-${moment.replace(' ', '-')}`;
      const people = cohortOf(mark, MANY);

      await cut(actOf(people, mark, wantedOf(people)), mark, { victims, moment });

      expect(await wrongSyncs(installation)).toEqual([]);
    },
  );
});

describe('kill -9 of everything at once', () => {
  test('in the middle of a bulk run heals by a start alone', async () => {
    const people = cohortOf('everything', MANY);

    await cut(actOf(people, 'everything', wantedOf(people)), 'everything', {
      victims: COMPONENTS,
      moment: 'half done',
    });

    expect(await wrongSyncs(installation)).toEqual([]);
  });
});

describe('kill -9 of the API between commit and expansion', () => {
  test.each(['flow:before-expand', 'flow:after-expand'])(
    'at "%s" loses nothing, though the caller got no answer',
    async (place) => {
      const mark = place.replace(':', '-');
      const people = cohortOf(mark, 3);
      await installation.kill('API');
      await installation.startMissing({ API: place });

      await expect(sendRoster(installation, people)).rejects.toThrow('does not answer');
      expect(await installation.deathOf('API', 10_000)).toBe('SIGKILL');

      expect(await untilHealed(installation)).toEqual([]);
      expect(await rolesOf(installation, mark)).toEqual(wantedOf(people));
    },
  );
});

describe('after all of it', () => {
  test('no operation has failed and nobody is waited for', async () => {
    expect(await unhappyOperations(installation)).toEqual([]);
  });
});
