import { setTimeout as delay } from 'node:timers/promises';
import { firstBytes, OpenPages, signedIn } from '../browsers';
import { memoryMib } from '../cpu';
import { countsFolder, INSTANT } from '../instant-counts';
import { startMuster } from '../muster';
import { idsOf, insertPeople } from '../people';
import { retainedMib, withHeapWitness } from '../retained-heap';
import { addService, requestSync } from '../scene';
import { atMost, paragraphs, percentile, short } from '../section';
import type { SignedIn } from '../browsers';
import type { BenchMuster } from '../muster';
import type { BenchOptions, SectionReport } from '../section';

const PEOPLE = 100_000;
/** Half follow the sync, half are people who follow their own accounts. */
const OPEN = 300;
const MEASURED_S = 120;
const PAUSE_MS = 200;
const FIRST_BYTE_MS = 300;
/** Pages are loaded for so long before anything is measured: code is compiled, pools are filled. */
const WARM_UP_S = 30;
/** Of the heap after a collection, over the measured time. */
const KEPT_MIB = 4;
/** Of resident memory, between the first third of the measured time and the last. */
const RESIDENT_MIB = 24;
const SERVICE = 'console';

interface Measured {
  readonly page: string;
  readonly times: readonly number[];
}

/** Pages of a large service, while many progress pages are open and a sync runs. */
export async function benchConsole(options: BenchOptions): Promise<SectionReport> {
  const rates = { MUSTER_CLIENT_REQUESTS_PER_MINUTE: '100000', MUSTER_ADDRESS_REQUESTS_PER_MINUTE: '100000' };
  const muster = await startMuster({ log: options.log, environment: { ...rates, ...withHeapWitness() } });
  const pages = new OpenPages();
  try {
    const people = options.people ?? PEOPLE;
    const scene = await prepare(muster, people);
    options.log(`${people} accounts; opening ${OPEN} pages`);
    await openAll(muster, pages, scene.sync);
    await load(muster, { ...scene, seconds: WARM_UP_S });
    const seconds = options.seconds ?? MEASURED_S;
    const keptBefore = await retainedMib(muster);
    const [measured, memory] = await Promise.all([load(muster, { ...scene, seconds }), watchMemory(muster, seconds)]);
    const kept = { before: keptBefore, after: await retainedMib(muster) };
    return reportOf({ people, seconds, measured, memory, kept, parts: pages.parts });
  } finally {
    pages.close();
    await muster.stop();
  }
}

interface Scene {
  readonly sync: string;
  readonly operator: SignedIn;
  readonly person: SignedIn;
}

async function prepare(muster: BenchMuster, people: number): Promise<Scene> {
  const { db } = muster;
  const counts = countsFolder(muster.home, SERVICE);
  await insertPeople(db, { prefix: SERVICE, count: people, state: 'Guest' });
  const limits = [{ kind: 'window', limit: 50, windowMs: 1_000 }];
  await addService(muster, { name: SERVICE, connector: INSTANT, config: { counts }, budget: { limits } });
  await db.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, remote_name, wanted_version, applied_version)
     select s.id, u.id, u.username, 'active', u.id::text, u.username, 1, 1
     from services s, users u where s.name = $1 and u.username like $1 || '-%'`,
    [SERVICE],
  );
  await db.query('analyze accounts');
  const { id } = await requestSync(muster, SERVICE, { kind: 'groups' });
  const [userId = ''] = await idsOf(db, SERVICE, 1);
  const [operator, person] = await Promise.all([
    signedIn(db, { roles: ['operator'] }),
    signedIn(db, { roles: [], userId }),
  ]);
  return { sync: id, operator, person };
}

async function openAll({ db, apiUrl }: BenchMuster, pages: OpenPages, sync: string): Promise<void> {
  const ids = await idsOf(db, SERVICE, OPEN / 2);
  for (const userId of ids) await pages.open(`${apiUrl}/my/live/services`, await signedIn(db, { roles: [], userId }));
  const live = `${apiUrl}/operator/services/${SERVICE}/syncs/${sync}/live`;
  for (let open = ids.length; open < OPEN; open += 1)
    await pages.open(live, await signedIn(db, { roles: ['operator'] }));
}

/** Resident memory of the API once a second. */
async function watchMemory(muster: BenchMuster, seconds: number): Promise<readonly number[]> {
  const pid = muster.parts().get('API');
  const seen: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await delay(1_000);
    const mib = pid === undefined ? undefined : memoryMib(pid);
    if (mib !== undefined) seen.push(mib);
  }
  return seen;
}

/** Loads the pages again and again, all of them side by side. */
async function load(
  { apiUrl }: BenchMuster,
  { operator, person, sync, seconds }: Scene & { readonly seconds: number },
): Promise<readonly Measured[]> {
  const shown: readonly (readonly [page: string, path: string, who: SignedIn])[] = [
    ['overview', '/operator', operator],
    ['the service', `/operator/services/${SERVICE}`, operator],
    ['its accounts, first page', `/operator/services/${SERVICE}/accounts`, operator],
    ['its accounts, searched', `/operator/services/${SERVICE}/accounts?q=99999`, operator],
    ['the sync', `/operator/services/${SERVICE}/syncs/${sync}`, operator],
    ['people, searched', '/operator/people?q=99999', operator],
    ["a person's services", '/services', person],
  ];
  const times = Math.max(3, Math.floor((seconds * 1_000) / (PAUSE_MS * 2)));
  return Promise.all(
    shown.map(async ([page, path, who]) => ({
      page,
      times: await firstBytes(apiUrl + path, who, { times, pauseMs: PAUSE_MS * 2 }),
    })),
  );
}

interface Found {
  readonly people: number;
  readonly seconds: number;
  readonly measured: readonly Measured[];
  /** Resident, once a second. */
  readonly memory: readonly number[];
  /** The heap after a collection, before and after the measured time. */
  readonly kept: { readonly before: number; readonly after: number };
  readonly parts: number;
}

function reportOf(found: Found): SectionReport {
  const { measured, memory, kept } = found;
  const third = Math.max(1, Math.floor(memory.length / 3));
  const early = percentile(memory.slice(0, third), 0.5);
  const late = percentile(memory.slice(-third), 0.5);
  const worst = Math.max(...measured.map(({ times }) => percentile(times, 0.99)));
  const growth = (mib: number, value: number) => [Math.max(0, mib), { value, unit: ' MiB' }] as const;
  return {
    method: methodOf(found),
    tables: [
      {
        columns: ['page', 'loaded', 'p50', 'p99'],
        rows: measured.map(({ page, times }) => [
          page,
          String(times.length),
          `${short(percentile(times, 0.5))} ms`,
          `${short(percentile(times, 0.99))} ms`,
        ]),
      },
    ],
    bars: [
      atMost('first byte of the slowest page, p99', worst, { value: FIRST_BYTE_MS, unit: ' ms' }),
      atMost('growth of what the API keeps after a collection', ...growth(kept.after - kept.before, KEPT_MIB)),
      atMost('growth of its resident memory, last third over first third', ...growth(late - early, RESIDENT_MIB)),
    ],
    remarks: [
      `Kept by the API: ${short(kept.before)} MiB before, ${short(kept.after)} MiB after. Resident: ${early} MiB in the first third, ${late} MiB in the last.`,
    ],
  };
}

function methodOf({ people, seconds, parts }: Found): readonly string[] {
  return paragraphs(
    `One API process, one worker, a service with ${people} accounts, and a sync over all of them that the service's limit of 50 requests a second`,
    `holds back. ${OPEN} live pages are open, half of them on the sync, half of them of people on their own accounts; ${parts} parts came over`,
    `them. Meanwhile each page below is loaded again and again, all of them side by side: ${WARM_UP_S} s to warm up, then ${seconds} s that count; time is`,
    `until the first byte of the page.`,
    '',
    `Memory is measured twice over, because a process that collects its garbage late looks as if it grew. What is kept: before and after the`,
    `${seconds} s, with the ${OPEN} pages open, the API is made to collect its garbage and says how large its heap is then. What is resident: as the kernel`,
    `says once a second, median of the first and of the last third, without any collection that V8 did not choose itself.`,
  );
}
