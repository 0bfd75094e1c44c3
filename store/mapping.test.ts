import { addGroup, addService, addState, openTestStore, unique } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import type { CleanRules } from '../domain/names';
import type { MappingRules } from '../domain/mapping';
import { refreshMapping } from './mapping';

let store: TestStore;
beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.close());

async function group(name: string): Promise<string> {
  const id = await addGroup(store.db);
  await store.db.query(`update groups set name = $2 where id = $1`, [id, name]);
  return id;
}

interface RemoteGroupRow {
  readonly id: string;
  readonly name: string;
  readonly mapped: boolean;
  readonly due: boolean;
  readonly sources: number;
}

async function refresh(serviceId: string, rules?: CleanRules): Promise<readonly RemoteGroupRow[]> {
  await store.db.transaction((client) => refreshMapping(client, serviceId, rules));
  const found = await store.db.query<RemoteGroupRow & { [key: string]: unknown }>(
    `select id, name, mapped, wanted_version <> applied_version as due,
       (select count(*)::integer from group_sources gs where gs.remote_group_id = r.id) as sources
     from remote_groups r where service_id = $1 order by name`,
    [serviceId],
  );
  return found.rows;
}

async function remap(serviceId: string, mapping: MappingRules, rules?: CleanRules): Promise<readonly RemoteGroupRow[]> {
  await store.db.query(`update services set mapping = $2 where id = $1`, [serviceId, mapping]);
  return refresh(serviceId, rules);
}

describe('the remote groups of a service', () => {
  test('each group gets a remote group of its name, that is due', async () => {
    const serviceId = await addService(store.db);
    await group('pilots');

    expect(await refresh(serviceId)).toMatchObject([{ name: 'pilots', mapped: true, due: true, sources: 1 }]);
  });

  test('a second look changes nothing', async () => {
    const serviceId = await addService(store.db);
    await group('pilots');
    const first = await refresh(serviceId);
    await store.db.query(`update remote_groups set applied_version = wanted_version`);

    expect(await refresh(serviceId)).toEqual(first.map((row) => ({ ...row, due: false })));
  });

  test('a rename keeps the remote group and makes it due', async () => {
    const serviceId = await addService(store.db);
    const id = await group('pilots');
    const [before] = await refresh(serviceId);
    await store.db.query(`update remote_groups set applied_version = wanted_version`);
    await store.db.query(`update groups set name = 'captains' where id = $1`, [id]);

    expect(await refresh(serviceId)).toMatchObject([{ id: before?.id, name: 'captains', due: true }]);
  });

  test('two groups that swap their names keep their remote groups', async () => {
    const serviceId = await addService(store.db);
    const [a, b] = [await group('a'), await group('b')];
    const before = await refresh(serviceId);
    await store.db.query(`update groups set name = 'x' where id = $1`, [a]);
    await store.db.query(`update groups set name = 'a' where id = $1`, [b]);
    await store.db.query(`update groups set name = 'b' where id = $1`, [a]);

    const after = await refresh(serviceId);

    expect(after.map((row) => row.id)).toEqual(before.map((row) => row.id).toReversed());
    expect(after.map((row) => row.name)).toEqual(['a', 'b']);
  });

  test('a group that is no longer mapped stays, without sources', async () => {
    const serviceId = await addService(store.db);
    await group('pilots');
    const [before] = await refresh(serviceId);

    expect(await remap(serviceId, { groups: { deny: ['pil*'] } })).toMatchObject([
      { id: before?.id, mapped: false, sources: 0 },
    ]);
    expect(await remap(serviceId, {})).toMatchObject([{ id: before?.id, mapped: true, sources: 1 }]);
  });

  test('names that the service cannot tell apart get a suffix', async () => {
    const serviceId = await addService(store.db);
    await group('Crew A');
    await group('crew-a');
    const rules = { maxLength: 20, clean: (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-') };

    const rows = await refresh(serviceId, rules);

    expect(rows.map((row) => row.name)).toEqual(['crew-a', 'crew-a-2']);
  });

  test('a group whose name cannot be made has no remote group', async () => {
    const serviceId = await addService(store.db);
    await group('…');

    expect(await refresh(serviceId, { maxLength: 20, clean: () => '' })).toEqual([]);
  });

  test('groups and states may lead to one remote group', async () => {
    const serviceId = await addService(store.db);
    await group('pilots');
    const state = unique('state');
    await addState(store.db, { name: state });

    const rows = await remap(serviceId, {
      groups: { table: { pilots: ['everybody', 'flying'] } },
      states: { table: { [state]: ['everybody'] } },
    });

    expect(rows).toMatchObject([
      { name: 'everybody', sources: 2 },
      { name: 'flying', sources: 1 },
    ]);
  });

  test('reserved names are never made', async () => {
    const serviceId = await addService(store.db);
    await group('admins');
    await group('pilots');

    expect((await remap(serviceId, { reserved: ['ADMIN*'] })).map((row) => row.name)).toEqual(['pilots']);
  });

  test('two processes that refresh at the same time agree', async () => {
    const serviceId = await addService(store.db);
    for (let index = 0; index < 20; index += 1) await group(unique('g'));

    await Promise.all([
      store.db.transaction((client) => refreshMapping(client, serviceId, undefined)),
      store.other.transaction((client) => refreshMapping(client, serviceId, undefined)),
    ]);

    expect(await refresh(serviceId)).toHaveLength(20);
  });
});
