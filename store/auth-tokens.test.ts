import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { createClient } from './auth-clients';
import { createToken, findLiveToken, revokeTokens } from './auth-tokens';
import type { NewToken } from './auth-tokens';
import { openDatabase } from './database';
import type { Database } from './database';
import { countAttempt, forgetAttempts } from './login-attempts';
import { listNotifications } from './notifications';
import { announceExpiring, purgeTokens } from './token-purge';

const DAY_S = 24 * 3_600;

let database: TestDatabase;
let db: Database;
let clientId: string;
let made = 0;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
  const fields = { name: 'robot', provider: 'local', providerId: 'robot', roles: [], acl: [], metadata: {} };
  clientId = (await createClient(db, fields)).id;
});
beforeEach(() => db.query(`delete from auth_tokens; delete from notifications; delete from login_attempts`));
afterAll(async () => {
  await db.close();
  await database.drop();
});

function token(fields: Partial<NewToken> = {}): NewToken {
  made += 1;
  const hash = Buffer.from(`hash ${made}`);
  return { clientId, hash, purpose: 'api', acl: null, issuedBy: 'client:test', lifeS: 3_600, ...fields };
}

describe('tokens', () => {
  test('are purged in batches once they have expired, and no others', async () => {
    await createToken(db, token());
    await db.query(
      `insert into auth_tokens (id, hash, client_id, purpose, issued_by, expires_at)
       select gen_random_uuid(), decode(lpad(to_hex(n), 8, '0'), 'hex'), $1, 'session', 'client:test', clock_timestamp()
       from generate_series(1, 2500) n`,
      [clientId],
    );
    let batches = 0;

    const purged = await purgeTokens(db, () => {
      batches += 1;
    });

    expect([purged, batches]).toEqual([2_500, 3]);
    expect(await revokeTokens(db, clientId)).toBe(1);
  });

  test('are not found from the moment they expire, though nobody purged them', async () => {
    const given = token({ lifeS: 3_600 });
    await createToken(db, given);
    expect(await findLiveToken(db, given.hash)).toBeDefined();

    await db.query(`update auth_tokens set expires_at = clock_timestamp()`);

    expect(await findLiveToken(db, given.hash)).toBeUndefined();
  });

  test.each([
    ['of a program, within its last week', 'api', 100, 6, 1],
    ['of a program, earlier', 'api', 100, 8, 0],
    ['of a program that lives ten days, within its last day', 'api', 10, 0.9, 1],
    ['of a program that lives ten days, earlier', 'api', 10, 1.1, 0],
    ['of a session', 'session', 100, 1, 0],
    ['of a program that lives less than a day', 'api', 0.9, 0.01, 0],
  ] as const)('that expire soon are told of once: %s', async (...row) => {
    const [, purpose, lifeDays, leftDays, times] = row;
    await createToken(db, token({ purpose, lifeS: lifeDays * DAY_S, title: 'backup' }));
    await db.query(
      `update auth_tokens set created_at = created_at - make_interval(secs => $1), expires_at = expires_at - make_interval(secs => $1)`,
      [(lifeDays - leftDays) * DAY_S],
    );

    await announceExpiring(db);
    await announceExpiring(db);

    const told = await listNotifications(db, { userId: null, limit: 10 });
    expect(told.map(({ text }) => text)).toEqual(
      Array.from({ length: times }, () =>
        expect.stringMatching(/^The token "backup" of robot expires within \d+ hours\.$/),
      ),
    );
  });
});

describe('failed logins', () => {
  const rules = { free: 3, firstWaitS: 10, longestWaitS: 35, forgetS: 3_600 };

  /** As if the wait were over. */
  async function waited(): Promise<void> {
    await db.query(`update login_attempts set blocked_until = clock_timestamp()`);
  }

  test('cost a wait that doubles, up to the longest', async () => {
    const waits: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await countAttempt(db, 'name:x', rules);
      waits.push(await countAttempt(db, 'name:x', { ...rules, free: 1_000 }));
      await waited();
      if (waits.at(-1) === undefined) await db.query(`update login_attempts set failures = failures - 1`);
    }

    expect(waits).toEqual([undefined, undefined, 10, 20, 35, 35]);
  });

  test('are counted one by one, however many come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => countAttempt(db, 'name:y', rules)));

    expect(answers.filter((wait) => wait === undefined)).toHaveLength(rules.free);
  });

  test('are forgotten after a success, and after a time', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) await countAttempt(db, 'name:z', rules);
    expect(await countAttempt(db, 'name:z', rules)).toBe(10);

    await forgetAttempts(db, 'name:z');
    expect(await countAttempt(db, 'name:z', rules)).toBeUndefined();

    for (let attempt = 0; attempt < 2; attempt += 1) await countAttempt(db, 'name:z', rules);
    await waited();
    await db.query(`update login_attempts set last_at = clock_timestamp() - interval '2 hours'`);
    await countAttempt(db, 'name:z', rules);
    expect(await countAttempt(db, 'name:z', rules)).toBeUndefined();
  });
});
