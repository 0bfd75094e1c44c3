import { startTestServer } from '../connectors/postgres-server';
import type { TestServer } from '../connectors/postgres-server';
import { addGrant } from '../../store/grants';
import { addMembers, createGroup, removeMembers } from '../../store/groups';
import { createUser, deleteUser, updateUser } from '../../store/users';
import { waitForOperation } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { stateIdByName } from '../../store/states';
import type { RecordedChange } from '../../store/changes';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';

const BY = { actor: 'client:test' } as const;

let engine: TestEngine;
let target: TestServer;
let service: ServiceRecord;
beforeAll(async () => {
  [engine, target] = await Promise.all([startTestEngine(), startTestServer()]);
  const { password, ...config } = target.config;
  service = await engine.addService({
    name: 'postgres',
    connector: 'postgres',
    config: { ...config, rolePrefix: `${target.tag}_`, groupPrefix: `${target.tag}_g_` },
    secrets: { password },
  });
  const member = await stateIdByName(engine.db, 'Member');
  await settled(await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'state', id: member } }, BY));
});
afterAll(async () => {
  await engine.close();
  await target.stop();
});

/** Sends a written change on its way and waits for its operation. */
async function settled(written: { readonly change: RecordedChange | undefined }): Promise<void> {
  if (written.change === undefined) return;
  await engine.flow.changed(written.change.changeId);
  const operation = await waitForOperation(engine.db, written.change.operationId, { timeoutMs: 20_000 });
  expect(operation).toMatchObject({ status: 'succeeded' });
}

interface Role {
  readonly rolname: string;
  readonly rolcanlogin: boolean;
  readonly groups: readonly string[];
}

async function roles(): Promise<readonly Role[]> {
  const found = await target.admin.query<Role>(
    `select r.rolname, r.rolcanlogin, array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
       where m.member = r.oid order by 1) as groups
     from pg_roles r where r.rolname like $1 and r.rolname not like $2 and r.rolname <> $3 order by 1`,
    [`${target.tag}\\_%`, `${target.tag}\\_g\\_%`, target.config.user],
  );
  return found.rows;
}

async function addMember(username: string): Promise<string> {
  const written = await createUser(engine.db, { username, state: 'Member' }, BY);
  await settled(written);
  return written.record.id;
}

describe('people become roles of a real PostgreSQL', () => {
  test('an entitled person gets a login role, and loses it when deleted', async () => {
    const ada = await addMember('ada');
    expect(await roles()).toContainEqual({ rolname: `${target.tag}_ada`, rolcanlogin: true, groups: [] });

    await settled(await deleteUser(engine.db, ada, BY));

    expect(await roles()).toEqual([]);
  });

  test('joining and leaving a group is followed at the far side', async () => {
    const bob = await addMember('bob');
    const pilots = await createGroup(engine.db, 'pilots', BY);
    await settled(pilots);

    const joined = await addMembers(engine.db, { groupId: pilots.record.id, userIds: [bob], by: BY });
    await settled(joined);
    expect(await roles()).toContainEqual(
      expect.objectContaining({ rolname: `${target.tag}_bob`, groups: [`${target.tag}_g_pilots`] }),
    );

    await settled(await removeMembers(engine.db, { groupId: pilots.record.id, userIds: [bob], by: BY }));
    expect(await roles()).toContainEqual(expect.objectContaining({ rolname: `${target.tag}_bob`, groups: [] }));
  });

  test('a rename is a rename: the same role with a new name', async () => {
    const eve = await addMember('eve');
    const before = await target.admin.query(`select oid from pg_roles where rolname = $1`, [`${target.tag}_eve`]);

    await settled(await updateUser(engine.db, eve, { fields: { username: 'evelyn' }, by: BY }));

    const after = await target.admin.query(`select oid from pg_roles where rolname = $1`, [`${target.tag}_evelyn`]);
    expect(after.rows).toEqual(before.rows);
  });

  test('deactivation takes the account, activation brings one back', async () => {
    const kay = await addMember('kay');

    await settled(await updateUser(engine.db, kay, { fields: { active: false }, by: BY }));
    expect((await roles()).map((role) => role.rolname)).not.toContain(`${target.tag}_kay`);

    await settled(await updateUser(engine.db, kay, { fields: { active: true }, by: BY }));
    expect((await roles()).map((role) => role.rolname)).toContain(`${target.tag}_kay`);
  });
});
