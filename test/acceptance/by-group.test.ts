import { addMembers, createGroup, deleteGroup, removeMembers, renameGroup } from '../../store/groups';
import { addGrant } from '../../store/grants';
import type { ServiceRecord } from '../../store/services';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import {
  addMember,
  allQuiet,
  BY,
  ended,
  eventually,
  grantMembers,
  insertMembers,
  settled,
} from '../engine/organisation';
import { registryOf } from '../engine/scripted-target';
import { byGroupConnector, ByGroupTarget } from './by-group-target';
import { apiOf } from './engine-api';
import type { EngineApi } from './engine-api';

const target = new ByGroupTarget();
const CROWD = 80;
const LEAVERS = 60;

let engine: TestEngine;
let api: EngineApi;
let service: ServiceRecord;
let crowd: readonly string[];
beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(byGroupConnector(target)) });
  api = apiOf(engine);
  service = await engine.addService({ name: 'rooms', connector: 'by-group' });
  crowd = await insertMembers(engine, { prefix: 'crowd', count: CROWD });
  await grantMembers(engine, service.id);
  await eventually('everybody has an account', async () => target.accounts.size === CROWD);
});
afterAll(() => engine?.close());

async function newGroup(name: string, userIds: readonly string[]): Promise<string> {
  const group = await createGroup(engine.db, name, BY);
  await settled(engine, group);
  if (userIds.length > 0) await join(group.record.id, userIds);
  return group.record.id;
}

async function join(groupId: string, userIds: readonly string[]): Promise<void> {
  await settled(engine, await addMembers(engine.db, { groupId, userIds, by: BY }));
}

async function leave(groupId: string, userIds: readonly string[]): Promise<void> {
  await settled(engine, await removeMembers(engine.db, { groupId, userIds, by: BY }));
}

/** The members of a group at the far side, once they are these (sorted). */
async function membersLike(name: string, members: readonly string[]): Promise<readonly string[]> {
  await eventually(`${name} has the members ${members.join(', ')}`, async () => {
    return target.members(name).join() === [...members].sort().join();
  });
  return target.members(name);
}

/** Who joined at the far side is also written down as a member. */
async function recorded(): Promise<void> {
  await eventually('no group is due', async () => {
    const open = await engine.db.query(
      `select from remote_groups where wanted_version <> applied_version or lease_holder is not null limit 1`,
    );
    return open.rowCount === 0;
  });
}

async function everybodyIn(name: string): Promise<void> {
  await eventually(`all are in ${name}`, async () => target.members(name).length === CROWD);
  await recorded();
}

async function staged(): Promise<readonly unknown[]> {
  const answer = await api.call('get', '/v1/services/rooms/guard?limit=100').expect(200);
  return answer.body.items as readonly unknown[];
}

describe('a service that keeps members by group', () => {
  test('lets people join and leave', async () => {
    const [ada, ben] = [await addMember(engine, 'ada'), await addMember(engine, 'ben')];

    const group = await newGroup('Kitchen', [ada, ben]);
    expect(await membersLike('Kitchen', ['ada', 'ben'])).toEqual(['ada', 'ben']);
    await leave(group, [ada]);

    expect(await membersLike('Kitchen', ['ben'])).toEqual(['ben']);
  });

  test('takes a newcomer into the groups they are in already', async () => {
    const group = await newGroup('Garden', []);
    const users = await api.call('post', '/v1/users').send({ username: 'cy', state: 'Guest' }).expect(202);
    await join(group, [users.body.user.id]);

    await api.call('patch', '/v1/users/username:cy').send({ state: 'Member' }).expect(202);

    expect(await membersLike('Garden', ['cy'])).toEqual(['cy']);
  });

  test('renames a group and keeps its members', async () => {
    const dee = await addMember(engine, 'dee');
    const group = await newGroup('Harbour', [dee]);
    expect(await membersLike('Harbour', ['dee'])).toEqual(['dee']);
    const before = target.group('Harbour')?.remoteId;

    await settled(engine, await renameGroup(engine.db, group, { name: 'Port', by: BY }));

    expect(await membersLike('Port', ['dee'])).toEqual(['dee']);
    expect(target.group('Port')?.remoteId).toBe(before);
    expect(target.group('Harbour')).toBeUndefined();
  });

  test('makes a group anew that somebody removed over there', async () => {
    const [eve, fay] = [await addMember(engine, 'eve'), await addMember(engine, 'fay')];
    const group = await newGroup('Archive', [eve]);
    expect(await membersLike('Archive', ['eve'])).toEqual(['eve']);
    for (const [key, { name }] of target.groups) if (name === 'Archive') target.groups.delete(key);

    await join(group, [fay]);

    expect(await membersLike('Archive', ['eve', 'fay'])).toEqual(['eve', 'fay']);
  });

  test('empties a group that was deleted', async () => {
    const gus = await addMember(engine, 'gus');
    const group = await newGroup('Music', [gus]);
    expect(await membersLike('Music', ['gus'])).toEqual(['gus']);

    await settled(engine, await deleteGroup(engine.db, group, BY));

    expect(await membersLike('Music', [])).toEqual([]);
  });

  test('writes a group once when a whole crew gets accounts at the same time', async () => {
    const crew = await insertMembers(engine, { prefix: 'rower', count: 60 });
    await engine.db.query(`update users set source_state_id = null where id = any($1::uuid[])`, [crew]);
    const id = await newGroup('Regatta', crew);
    await recorded();
    const before = target.changes.length;

    const grant = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'group', id } }, BY);
    await settled(engine, grant);
    await eventually('the crew is in it', async () => target.members('Regatta').length === crew.length);
    await recorded();

    expect(target.changes.slice(before)).toEqual([{ added: crew.length, removed: 0 }]);
  });

  test('counts who leaves two groups at once exactly, so that the guard lets all of it through', async () => {
    const leavers = crowd.slice(0, 4);
    for (const name of ['Carpentry', 'Radio']) await newGroup(name, leavers);
    await recorded();
    const before = await counted();
    const answer = await api
      .call('post', '/v1/imports')
      .send({ users: await rosterWithout('Carpentry', 'Radio') })
      .expect(202);
    await ended(engine, (answer.body as { readonly operation: { readonly id: string } }).operation.id);

    await eventually(
      'they have left both',
      async () => [...target.members('Carpentry'), ...target.members('Radio')].length === 0,
    );
    expect(await staged()).toEqual([]);
    await eventually('all of it is counted', async () => (await counted()) === before + 2 * leavers.length);
  });
});

/** Everybody as they are, but in none of these groups. */
async function rosterWithout(...groups: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const found = await engine.db.query(
    `select u.username, u.display_name as "displayName", (select name from states where id = u.source_state_id) as state, array(select g.name from members m join groups g on g.id = m.group_id
       where m.user_id = u.id and g.name <> all($1)) as groups from users u where u.active`,
    [groups],
  );
  return found.rows;
}

/** Memberships that the guard counts as taken. */
async function counted(): Promise<number> {
  const found = await engine.db.query<{ sum: number }>(
    `select coalesce(sum(amount), 0)::integer as sum from guard_taken`,
  );
  return found.rows[0]?.sum ?? 0;
}

describe('when many leave a group at once', () => {
  test('the guard stages them, and who joins still gets in', async () => {
    const group = await newGroup('Everybody', crowd);
    await everybodyIn('Everybody');
    target.changes.length = 0;

    await leave(group, crowd.slice(0, LEAVERS));
    const hal = await addMember(engine, 'hal');
    await join(group, [hal]);

    await eventually('who joined is in', async () => target.members('Everybody').includes('hal'));
    expect(target.members('Everybody')).toHaveLength(CROWD + 1);
    expect(target.changes.reduce((sum, { removed }) => sum + removed, 0)).toBe(0);
    const waiting = await staged();
    expect(waiting).toHaveLength(LEAVERS);
    expect(waiting[0]).toMatchObject({ kind: 'group removal', groups: ['Everybody'] });
  });

  test('they leave once a person has approved it', async () => {
    await api
      .call('post', '/v1/services/rooms/guard/approve')
      .send({ ids: 'all', reason: 'the course is over' })
      .expect(202);

    await eventually('they have left', async () => target.members('Everybody').length === CROWD + 1 - LEAVERS);
    await allQuiet(engine, service.id);
    expect(target.members('Everybody')).toContain('hal');
    expect(await staged()).toEqual([]);
  });

  test('who is kept by a person stays, and can still join other groups', async () => {
    const group = await newGroup('Workshop', crowd);
    await everybodyIn('Workshop');
    await leave(group, crowd.slice(0, LEAVERS));
    await eventually('they are staged', async () => (await staged()).length === LEAVERS);
    await api.call('post', '/v1/services/rooms/guard/reject').send({ ids: 'all', reason: 'a mistake' }).expect(202);

    const other = await newGroup('Bakery', crowd.slice(0, 1));

    expect(await membersLike('Bakery', ['crowd-1'])).toEqual(['crowd-1']);
    expect(target.members('Workshop')).toHaveLength(CROWD);
    await leave(other, crowd.slice(0, 1));
    await join(group, crowd.slice(0, LEAVERS));
  });

  test('who was called back before the decision stays', async () => {
    const group = await newGroup('Night Shift', crowd);
    await everybodyIn('Night Shift');
    await leave(group, crowd.slice(0, LEAVERS));

    await join(group, crowd.slice(0, LEAVERS));

    await eventually('nothing is staged any more', async () => (await staged()).length === 0);
    expect(target.members('Night Shift')).toHaveLength(CROWD);
  });
});
