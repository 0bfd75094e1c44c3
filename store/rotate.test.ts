import { randomUUID } from 'node:crypto';
import { writePurpose } from '../auth/client-writes';
import { credentialPurpose, typeSecretsId } from '../auth/external/context';
import { loginPurpose } from '../auth/mail/deliver';
import { createSealer, generateKey } from '../config/sealer';
import type { Sealer } from '../config/sealer';
import { openServiceSecrets, passwordPurpose, sealServiceSecrets } from '../config/service-secrets';
import { resealWith } from '../runtime/rotate-key';
import { addAccount, addGrant, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import { oneRow } from './database';
import { deleteExternalAccount, readExternalAccount, storeExternalAccount } from './external-accounts';
import { putExternalType, readExternalType } from './external-types';
import { queuePasswordReset } from './mails';
import { wantedPassword } from './passwords';
import { resealAll } from './rotate';
import type { Resealed } from './rotate';

let store: TestStore;
beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.close());

const oldKey = generateKey();
const newKey = generateKey();
const before = createSealer(oldKey);
const both = createSealer(`${newKey},${oldKey}`);
const after = createSealer(newKey);

function rotate(sealer: Sealer): Promise<Resealed> {
  return resealAll(store.db, resealWith(sealer));
}

async function serviceWithSecrets(sealer: Sealer): Promise<string> {
  const serviceId = await addService(store.db);
  const sealed = sealServiceSecrets(sealer, serviceId, { password: 'canary-one', token: 'canary-two' });
  await store.db.query(`update services set sealed_config = $2 where id = $1`, [serviceId, sealed]);
  return serviceId;
}

async function readService(serviceId: string): Promise<{ readonly sealed: Buffer; readonly version: number }> {
  const found = await store.db.query<{ sealed: Buffer; version: number }>(
    `select sealed_config as sealed, config_version as version from services where id = $1`,
    [serviceId],
  );
  return oneRow(found);
}

async function secretsOf(sealer: Sealer, serviceId: string): Promise<Readonly<Record<string, unknown>>> {
  return openServiceSecrets(sealer, { id: serviceId, sealedConfig: (await readService(serviceId)).sealed });
}

describe('rotation of the secret key', () => {
  test('service credentials open with the new key alone afterwards', async () => {
    const serviceId = await serviceWithSecrets(before);
    const { version } = await readService(serviceId);

    expect(await rotate(both)).toEqual({ resealed: 1, current: 0, unreadable: [] });

    expect(await secretsOf(after, serviceId)).toEqual({ password: 'canary-one', token: 'canary-two' });
    expect((await readService(serviceId)).version).toBe(version);
    await expect(secretsOf(before, serviceId)).rejects.toThrow('sealed with key');
  });

  test('a password that waits opens with the new key alone afterwards', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addGrant(store.db, serviceId, { user_id: userId });
    await addAccount(store.db, { serviceId, userId });
    const purpose = passwordPurpose(serviceId, userId);
    const password = { sealed: before.seal('canary-three', purpose), generated: true };
    await requestAccount(store.db, { serviceId, userId, kind: 'resetPassword', actor: 'client:test', password });

    expect(await rotate(both)).toEqual({ resealed: 1, current: 0, unreadable: [] });

    const wanted = await wantedPassword(store.db, serviceId, userId);
    expect(after.open(wanted?.sealed ?? Buffer.alloc(0), purpose)).toBe('canary-three');
  });

  test('linked accounts, their types and what is being revoked open with the new key alone afterwards', async () => {
    const userId = await addUser(store.db);
    const sealedConfig = sealServiceSecrets(before, typeSecretsId('campus'), { clientSecret: 'canary-four' });
    const record = { type: 'campus', plugin: 'oauth2', title: null, enabled: true, config: {}, sealedConfig };
    await putExternalType(store.db, record);
    const purpose = credentialPurpose('campus', userId);
    const fields = { safe: {}, remoteId: null, remoteName: null, scopes: [], expiresAt: null, onlyNew: true };
    const key = { userId, type: 'campus' };
    await storeExternalAccount(store.db, key, { ...fields, sealed: before.seal('"canary-five"', purpose) });
    await deleteExternalAccount(store.db, key);
    await storeExternalAccount(store.db, key, { ...fields, sealed: before.seal('"canary-six"', purpose) });

    expect(await rotate(both)).toEqual({ resealed: 3, current: 0, unreadable: [] });

    const type = await readExternalType(store.db, 'campus');
    expect(openServiceSecrets(after, { ...type, id: typeSecretsId('campus') })).toEqual({
      clientSecret: 'canary-four',
    });
    expect(after.open((await readExternalAccount(store.db, key)).sealed, purpose)).toBe('"canary-six"');
    const left = await store.db.query<{ sealed: Buffer }>(`select sealed from external_revocations`);
    expect(after.open(oneRow(left).sealed, purpose)).toBe('"canary-five"');
  });

  test('what a write at a provider carries, and who asked for a new password by mail, open with the new key alone afterwards', async () => {
    const [writeId, mailId] = [randomUUID(), randomUUID()];
    await store.db.query(
      `insert into client_writes (id, provider, ability, provider_id, sealed_package, expires_at)
       values ($1, 'directory', 'createClient', 'ada', $2, clock_timestamp() + interval '1 hour')`,
      [writeId, before.seal('{"password":"canary-seven"}', writePurpose(writeId))],
    );
    await queuePasswordReset(store.db, mailId, before.seal('canary-eight', loginPurpose(mailId)));

    expect(await rotate(both)).toEqual({ resealed: 2, current: 0, unreadable: [] });

    const kept = await store.db.query<{ write: Buffer; mail: Buffer }>(
      `select (select sealed_package from client_writes) as write, (select sealed_login from mails) as mail`,
    );
    expect(after.open(oneRow(kept).write, writePurpose(writeId))).toBe('{"password":"canary-seven"}');
    expect(after.open(oneRow(kept).mail, loginPurpose(mailId))).toBe('canary-eight');
  });

  test('a second rotation finds nothing left to seal', async () => {
    await serviceWithSecrets(before);
    await rotate(both);

    expect(await rotate(both)).toEqual({ resealed: 0, current: 1, unreadable: [] });
  });

  test('a value without its key is named and stops nothing else', async () => {
    const lost = await serviceWithSecrets(createSealer(generateKey()));
    const standing = await readService(lost);
    await serviceWithSecrets(before);

    const { resealed, unreadable } = await rotate(both);

    expect(resealed).toBe(1);
    expect(unreadable).toEqual([expect.stringMatching(/^service service-/)]);
    expect((await readService(lost)).sealed).toEqual(standing.sealed);
  });
});
