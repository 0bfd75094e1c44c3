import { addGrant, removeGrant } from '../../store/grants';
import type { Account } from '../../store/accounts';
import { explainAccount } from '../../store/explain';
import type { ServiceRecord } from '../../store/services';
import { createUser } from '../../store/users';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, BY, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const DAY_MS = 86_400_000;
const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
let people = 0;

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
  service = await engine.addService({
    name: 'graceful',
    connector: 'scripted',
    onLoss: 'disable',
    deleteAfterDays: 30,
  });
});
afterAll(() => engine.close());

interface Member {
  readonly userId: string;
  readonly grantId: string;
}

/** A person with an account, who has lost the right to it. */
async function disabledMember(): Promise<Member> {
  const { record, change } = await createUser(engine.db, { username: `person-${(people += 1)}` }, BY);
  await engine.flow.changed(change?.changeId ?? 0);
  const granted = await grant(record.id);
  await where(record.id, ({ status, due }) => status === 'active' && !due);
  await settled(engine, await removeGrant(engine.db, granted, BY));
  return { userId: record.id, grantId: granted };
}

async function grant(userId: string): Promise<string> {
  const added = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'user', id: userId } }, BY);
  await settled(engine, added);
  return added.record.id;
}

const where = (userId: string, look: (account: Account) => boolean): Promise<Account> =>
  accountWhere(engine, { serviceId: service.id, userId }, look);

/** As if so many days had gone by for the disabled account. */
async function daysPass(userId: string, days: number): Promise<void> {
  await engine.db.query(
    `update accounts set disabled_at = disabled_at - make_interval(days => $2), delete_at = delete_at - make_interval(days => $2)
     where user_id = $1`,
    [userId, days],
  );
  await engine.flowDeps.starter.sweepNow();
}

describe('an account whose right is lost where there are days of grace', () => {
  test('is disabled now, and says when it will be deleted', async () => {
    const { userId } = await disabledMember();

    const account = await where(userId, ({ status }) => status === 'disabled');
    expect(target.accounts.get(userId)?.enabled).toBe(false);
    expect(Math.round(((account.deleteAt?.getTime() ?? 0) - Date.now()) / DAY_MS)).toBe(30);
    const { nextTry } = await explainAccount(engine.db, { serviceId: service.id, userId });
    expect(nextTry).toEqual({
      at: account.deleteAt,
      why: 'It is disabled, and deleted then unless the right comes back.',
    });
  });

  test('is deleted when they are over, and not before', async () => {
    const { userId } = await disabledMember();
    const { userId: younger } = await disabledMember();
    await daysPass(younger, 29);
    await daysPass(userId, 31);

    expect(await where(userId, ({ status }) => status === 'removed')).toMatchObject({ deleteAt: null });
    expect(target.accounts.has(userId)).toBe(false);
    expect(await where(younger, ({ due }) => !due)).toMatchObject({ status: 'disabled' });
  });

  test('is enabled again when the right comes back, and never deleted', async () => {
    const { userId } = await disabledMember();
    await daysPass(userId, 20);
    await grant(userId);

    expect(await where(userId, ({ status, due }) => status === 'active' && !due)).toMatchObject({ deleteAt: null });
    await daysPass(userId, 20);
    expect(target.accounts.get(userId)?.enabled).toBe(true);
    expect(target.called('deleteAccount', userId)).toBe(0);
  });

  test('waits for the guard when its time has come', async () => {
    const { userId } = await disabledMember();
    const nothing = { minimum: 0, percent: 0, maximum: 0 };
    await engine.db.query(`update services set guard = $2 where id = $1`, [service.id, { removal: nothing }]);
    await daysPass(userId, 31);

    expect(await where(userId, ({ attention }) => attention === 'staged')).toMatchObject({ status: 'disabled' });
    expect(target.called('deleteAccount', userId)).toBe(0);
  });
});
