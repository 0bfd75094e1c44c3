import { z } from 'zod';
import { AUTH_WRITES, AuthProvider, ClientData, defineAuthProvider, SDK_VERSION } from '../../sdk/index';
import {
  createClient,
  deleteClient,
  findClient,
  listClients,
  readLocalPassword,
  setLocalPassword,
  updateClient,
} from '../../store/auth-clients';
import { AuthError } from '../errors';
import { createPasswordHasher } from '../password-hash';
import type { AuthProviderModule } from '../../sdk/index';
import type { ClientRecord } from '../../store/auth-clients';
import type { Database } from '../../store/database';
import type { PasswordHasher } from '../password-hash';

/** The name of its section: there is one local provider, and Muster keeps its clients. */
export const LOCAL = 'local';

const LISTED_AT_MOST = 10_000;

const username = z
  .string()
  .regex(/^[^\s\p{C}:/]{1,128}$/u, 'must have 1 to 128 characters without blanks, colons and slashes');
const newPassword = z
  .string()
  .min(8, 'must have at least 8 characters')
  .max(1024, 'must have at most 1024 characters')
  .regex(/^\P{Cc}*$/u, 'must not hold control characters');
/** Whatever somebody types at the door: only its length is bounded. */
const typed = z.string().min(1, 'must not be empty').max(1024, 'must have at most 1024 characters');
const names = z.array(z.string().max(128)).max(100);
const metadata = z
  .record(z.string().max(100), z.unknown())
  .refine((value) => JSON.stringify(value).length <= 10_000, 'is too large');

const authPackage = z.strictObject({ username: typed, password: typed });
const createPackage = z.strictObject({
  username,
  password: newPassword.optional(),
  roles: names.optional(),
  acl: names.optional(),
  metadata: metadata.optional(),
});
const registrationPackage = z.strictObject({ username, password: newPassword });
const updatePackage = z.strictObject({
  password: newPassword.optional(),
  acl: names.optional(),
  metadata: metadata.optional(),
});
const selfUpdatePackage = z.strictObject({ currentPassword: typed, password: newPassword });

const section = z.strictObject({
  /** Cost of a password hash. */
  memoryKiB: z.number().int().min(1_024).max(1_048_576).default(19_456),
  passes: z.number().int().min(1).max(20).default(2),
});

/** Clients and passwords in Muster's own database. */
export function localProvider(db: Database): AuthProviderModule {
  return defineAuthProvider({
    kind: LOCAL,
    title: 'Username and password',
    sdk: SDK_VERSION,
    config: section,
    provider: class extends LocalProvider {
      constructor(cost: z.output<typeof section>, { name }: { readonly name: string }) {
        if (name !== LOCAL) throw new Error(`its section must be called ${LOCAL}: there is one local provider`);
        super(db, createPasswordHasher(cost));
      }
    },
  });
}

class LocalProvider extends AuthProvider {
  override readonly authPackage = authPackage;
  /** Its clients stand in Muster's own database. */
  override readonly writesInMuster = AUTH_WRITES;
  override readonly createClientPackage = createPackage;
  override readonly clientRegistrationPackage = registrationPackage;
  override readonly updateClientPackage = updatePackage;
  override readonly selfUpdateClientPackage = selfUpdatePackage;

  constructor(
    private readonly db: Database,
    private readonly hasher: PasswordHasher,
  ) {
    super();
  }

  override async authenticate(given: z.output<typeof authPackage>): Promise<ClientData | undefined> {
    const record = await findClient(this.db, { provider: LOCAL, name: given.username });
    const hash = record === undefined ? undefined : await readLocalPassword(this.db, record.id);
    // Compared in any case: an answer must not come sooner for a name that nobody has.
    const isRight = await this.hasher.matches(given.password, hash);
    return isRight && record !== undefined ? dataOf(record) : undefined;
  }

  override async createClient(given: z.output<typeof createPackage>): Promise<ClientData> {
    const { username: name, password, roles = [], acl = [], metadata: facts = {} } = given;
    // Hashed first: nothing is written when that fails.
    const hash = password === undefined ? undefined : await this.hasher.hash(password);
    const client = { name, provider: LOCAL, providerId: name.toLowerCase(), roles, acl, metadata: facts };
    const record = await createClient(this.db, client);
    if (hash !== undefined) await setLocalPassword(this.db, record.id, hash);
    return dataOf(record);
  }

  override clientSelfRegister(given: z.output<typeof registrationPackage>): Promise<ClientData> {
    return this.createClient(given);
  }

  override async enableClient(clientId: string): Promise<void> {
    await updateClient(this.db, (await this.#record(clientId)).id, { enabled: true });
  }

  override async disableClient(clientId: string): Promise<void> {
    await updateClient(this.db, (await this.#record(clientId)).id, { enabled: false });
  }

  override async deleteClient(clientId: string): Promise<void> {
    const record = await findClient(this.db, { provider: LOCAL, providerId: clientId });
    if (record !== undefined) await deleteClient(this.db, record.id);
  }

  override async addRoles(clientId: string, roles: readonly string[]): Promise<void> {
    const record = await this.#record(clientId);
    await updateClient(this.db, record.id, { roles: [...new Set([...record.roles, ...roles])] });
  }

  override async deleteRoles(clientId: string, roles: readonly string[]): Promise<void> {
    const record = await this.#record(clientId);
    await updateClient(this.db, record.id, { roles: record.roles.filter((role) => !roles.includes(role)) });
  }

  override async updateClient(clientId: string, given: z.output<typeof updatePackage>): Promise<ClientData> {
    const record = await this.#record(clientId);
    const hash = given.password === undefined ? undefined : await this.hasher.hash(given.password);
    const updated = await updateClient(this.db, record.id, { acl: given.acl, metadata: given.metadata });
    if (hash !== undefined) await setLocalPassword(this.db, record.id, hash);
    return dataOf(updated);
  }

  override async clientSelfUpdate(clientId: string, given: z.output<typeof selfUpdatePackage>): Promise<ClientData> {
    const record = await this.#record(clientId);
    const isRight = await this.hasher.matches(given.currentPassword, await readLocalPassword(this.db, record.id));
    if (!isRight) throw new AuthError('wrong-credentials', 'The present password is not right.');
    await setLocalPassword(this.db, record.id, await this.hasher.hash(given.password));
    return dataOf(record);
  }

  override async listClients(): Promise<readonly ClientData[]> {
    return (await listClients(this.db, { provider: LOCAL, limit: LISTED_AT_MOST })).map(dataOf);
  }

  override async getClient(clientId: string): Promise<ClientData | undefined> {
    const record = await findClient(this.db, { provider: LOCAL, providerId: clientId });
    return record === undefined ? undefined : dataOf(record);
  }

  async #record(clientId: string): Promise<ClientRecord> {
    const record = await findClient(this.db, { provider: LOCAL, providerId: clientId });
    if (record === undefined) throw new Error('the client went away meanwhile');
    return record;
  }
}

function dataOf({ providerId, name, roles, acl, metadata: facts }: ClientRecord): ClientData {
  return new ClientData({ clientId: providerId, name, roles, acl, metadata: facts });
}
