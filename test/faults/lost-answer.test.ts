import { startTcpProxy } from '../../sdk/testing/tcp-proxy';
import type { TcpProxy } from '../../sdk/testing/tcp-proxy';
import type { ServiceRecord } from '../../store/services';
import { createUser, deleteUser, updateUser } from '../../store/users';
import { BY, startMuster, untilAtRest } from './harness';
import type { MusterUnderFault } from './harness';

const REST_MS = 40_000;
/** The last thing that each transaction of the connector sends: the server has done it, and the connection breaks. */
const COMMIT = 'commit';

let muster: MusterUnderFault;
let proxy: TcpProxy;
let service: ServiceRecord;
beforeAll(async () => {
  muster = await startMuster();
  const { host = '', port = 0 } = muster.target.config;
  proxy = await startTcpProxy({ host, port });
  await muster.engine.startWorker();
  service = await muster.addPostgres('lossy', 'Member', { config: { host: '127.0.0.1', port: proxy.port } });
});
afterAll(async () => {
  await muster.close();
  await proxy.close();
});

/** Does something whose answer gets lost on the way back, and waits until all is as it should be. */
async function losing(write: () => Promise<Parameters<MusterUnderFault['send']>[0]>): Promise<void> {
  expect(await untilAtRest(muster.engine, REST_MS)).toEqual([]);
  proxy.loseNextAnswer(COMMIT);
  await muster.send(await write());
  expect(await untilAtRest(muster.engine, REST_MS)).toEqual([]);
}

async function addMember(username: string): Promise<string> {
  const written = await createUser(muster.engine.db, { username, state: 'Member' }, BY);
  await muster.send(written);
  expect(await untilAtRest(muster.engine, REST_MS)).toEqual([]);
  return written.record.id;
}

async function rolesOf(userId: string): Promise<readonly string[]> {
  const found = await muster.witness(service);
  return found.filter((role) => role.userId === userId).map((role) => role.name);
}

describe('the answer of a real PostgreSQL gets lost', () => {
  test('to the creation of a role: there is one role', async () => {
    let ada = '';

    await losing(async () => {
      const written = await createUser(muster.engine.db, { username: 'ada', state: 'Member' }, BY);
      ada = written.record.id;
      return written;
    });

    expect(await rolesOf(ada)).toEqual(['ada']);
  });

  test('to a rename: there is one role, with the new name', async () => {
    const eve = await addMember('eve');

    await losing(() => updateUser(muster.engine.db, eve, { fields: { username: 'evelyn' }, by: BY }));

    expect(await rolesOf(eve)).toEqual(['evelyn']);
  });

  test('to a removal: there is none, and the name is free again', async () => {
    const kay = await addMember('kay');

    await losing(() => deleteUser(muster.engine.db, kay, BY));

    expect(await rolesOf(kay)).toEqual([]);
    expect(await rolesOf(await addMember('kay'))).toEqual(['kay']);
  });
});
