import type { GuardKind } from '../../domain/guard';
import type { Database } from '../../store/database';
import { askGuard } from '../../store/guard';
import type { GuardAnswer } from '../../store/guard';
import { addAccounts, addService, addUsers, makeChange } from './organisation';

export interface Crowd {
  readonly serviceId: string;
  readonly users: readonly string[];
}

interface Question {
  readonly serviceId: string;
  readonly userId: string;
  readonly kind?: GuardKind;
  readonly amount?: number;
  readonly groups?: readonly string[];
}

/** What the tests of the guard do again and again. The database is asked for when it is needed: it is opened before the first test. */
export function guardScene(db: () => Database) {
  /** People with active accounts on a service where the connector gives everybody the right. */
  async function crowd(number: number, columns: Parameters<typeof addService>[1] = {}): Promise<Crowd> {
    const serviceId = await addService(db(), { hook_decides: true, ...columns });
    const users = await addUsers(db(), number);
    await addAccounts(db(), serviceId, users);
    return { serviceId, users };
  }

  function ask(question: Question, asked: Database = db()): Promise<GuardAnswer> {
    const { serviceId, userId, kind = 'removal', amount = 1, groups = [] } = question;
    return askGuard(asked, { serviceId, version: 1, taking: { userId, username: 'somebody', kind, amount, groups } });
  }

  async function askAll({ serviceId, users }: Crowd, kind: GuardKind = 'removal'): Promise<readonly GuardAnswer[]> {
    const answers: GuardAnswer[] = [];
    for (const userId of users) answers.push(await ask({ serviceId, userId, kind }));
    return answers;
  }

  async function takenOn(serviceId: string): Promise<number> {
    const found = await db().query<{ n: number }>(
      `select coalesce(sum(amount), 0)::integer as n from guard_taken where service_id = $1`,
      [serviceId],
    );
    return found.rows[0]?.n ?? 0;
  }

  /** A roster leaves these people out. */
  async function deactivate(users: readonly string[], subject: { readonly serviceId?: string } = {}): Promise<void> {
    await db().query(`update users set active = false where id = any($1::uuid[])`, [users]);
    await makeChange(db(), { kind: 'people', subject, users, reasons: ['validateUser'] });
  }

  return { crowd, ask, askAll, takenOn, deactivate };
}
