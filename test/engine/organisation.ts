import { waitFor } from '../../runtime/wait-for';
import { readAccount } from '../../store/accounts';
import type { Account } from '../../store/accounts';
import type { RecordedChange } from '../../store/changes';
import { addGrant } from '../../store/grants';
import type { Operation } from '../../store/operations';
import { waitForOperation } from '../../store/operations';
import { stateIdByName } from '../../store/states';
import { createUser } from '../../store/users';
import type { TestEngine } from './engine';

export const BY = { actor: 'client:test' } as const;

/** Longest wait for something that the engine does; ten times what an idle machine needs. */
export const PATIENCE_MS = 45_000;

/** Waits until `look` answers something other than undefined or false. Throws with `what` when it never does. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const seen = await waitFor(PATIENCE_MS, async () => (await look()) || undefined);
  if (seen === undefined) throw new Error(`It did not happen within ${PATIENCE_MS / 1000} s: ${what}`);
  return seen;
}

/** Sends a written change on its way and waits until its operation has ended. */
export async function settled(
  engine: TestEngine,
  written: { readonly change: RecordedChange | undefined },
): Promise<Operation> {
  if (written.change === undefined) throw new Error('nothing was changed');
  await engine.flow.changed(written.change.changeId);
  return ended(engine, written.change.operationId);
}

/** Waits until an operation has ended, however. */
export async function ended(engine: TestEngine, operationId: string): Promise<Operation> {
  const operation = await waitForOperation(engine.db, operationId, { timeoutMs: PATIENCE_MS });
  if (operation === undefined) throw new Error(`there is no operation ${operationId}`);
  return operation;
}

export async function grantMembers(engine: TestEngine, serviceId: string): Promise<void> {
  const id = await stateIdByName(engine.db, 'Member');
  const written = await addGrant(engine.db, { serviceId, subject: { kind: 'state', id } }, BY);
  if (written.change !== undefined) await engine.flow.changed(written.change.changeId);
}

/** A new person in the state Member; waits until their accounts are there. */
export async function addMember(engine: TestEngine, username: string): Promise<string> {
  const written = await createUser(engine.db, { username, state: 'Member' }, BY);
  await settled(engine, written);
  return written.record.id;
}

export interface ManyPeople {
  readonly prefix: string;
  readonly count: number;
}

/** Many people in the state Member, in one statement and without a change: for the state before a test. Answers their ids. */
export async function insertMembers(engine: TestEngine, people: ManyPeople): Promise<readonly string[]> {
  const member = await stateIdByName(engine.db, 'Member');
  const inserted = await engine.db.query<{ id: string }>(
    `insert into users (id, username, display_name, source_state_id)
     select gen_random_uuid(), $1 || '-' || i, 'One of many', $3 from generate_series(1, $2::integer) i returning id`,
    [people.prefix, people.count, member],
  );
  return inserted.rows.map((row) => row.id);
}

/** The account, once `look` finds it as it should be. */
export async function accountWhere(
  engine: TestEngine,
  account: { readonly serviceId: string; readonly userId: string },
  look: (account: Account) => boolean,
): Promise<Account> {
  return eventually(`the account of ${account.userId} is as it should be`, async () => {
    const found = await readAccount(engine.db, account.serviceId, account.userId);
    return found !== undefined && look(found) ? found : undefined;
  });
}

/** Every due account was dealt with: nothing is due but what waits for a person, nobody holds a lease. */
export async function allQuiet(engine: TestEngine, serviceId: string): Promise<void> {
  await eventually('nothing is due on the service', async () => {
    const open = await engine.db.query(
      `select from accounts where service_id = $1 and (lease_holder is not null
         or (wanted_version <> applied_version and next_try is distinct from 'infinity')) limit 1`,
      [serviceId],
    );
    return open.rowCount === 0;
  });
}
