import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { waitFor } from '../../runtime/wait-for';
import { freePort } from '../../runtime/ports';
import { SERVERS_FOLDER, startProgram } from './programs';

/** Where .ci/install-servers --slow puts it. */
export const KEYCLOAK_PROGRAM = join(SERVERS_FOLDER, 'keycloak', 'bin', 'kc.sh');

/** A real Keycloak with a realm of its own, in memory, and a client that may do what the README asks for. */
export interface KeycloakServer {
  readonly url: string;
  readonly realm: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** Asks the admin API of the realm as its administrator, past any manager. */
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Can one log in with this? */
  login(username: string, password: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** The first start on a machine builds Keycloak for its settings, which takes minutes. */
const START_MS = 280_000;
const REALM = 'lab';

export async function startKeycloak(): Promise<KeycloakServer> {
  const [port, managementPort] = [await freePort(), await freePort()];
  const password = randomBytes(12).toString('hex');
  const server = startProgram(
    KEYCLOAK_PROGRAM,
    [
      'start-dev',
      '--db=dev-mem',
      '--cache=local',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${managementPort}`,
    ],
    { KC_BOOTSTRAP_ADMIN_USERNAME: 'admin', KC_BOOTSTRAP_ADMIN_PASSWORD: password, JAVA_OPTS_APPEND: '-Xmx768m' },
  );
  const url = `http://127.0.0.1:${port}`;
  const admin = new Administrator(url, password);
  const ready = await waitFor(START_MS, async () => ((await admin.token().catch(() => '')) === '' ? undefined : true), {
    everyMs: 500,
  });
  if (ready === undefined) throw new Error(`Keycloak did not start: ${server.output()}`);
  const client = await makeRealm(admin);
  return {
    url,
    realm: REALM,
    client,
    ask: (method, path, body) => admin.ask(method, `/admin/realms/${REALM}${path}`, body),
    login: async (username, text) => {
      const fields = { grant_type: 'password', client_id: 'login', username, password: text };
      return (await tokenOf(`${url}/realms/${REALM}`, fields)) !== undefined;
    },
    stop: () => server.stop(),
  };
}

class Administrator {
  constructor(
    readonly url: string,
    readonly password: string,
  ) {}

  /** A new one each time: they live a minute. */
  async token(): Promise<string> {
    const fields = { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password: this.password };
    return (await tokenOf(`${this.url}/realms/master`, fields)) ?? '';
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  }
}

async function tokenOf(realmUrl: string, fields: Readonly<Record<string, string>>): Promise<string | undefined> {
  const where = `${realmUrl}/protocol/openid-connect/token`;
  const answer = await fetch(where, { method: 'POST', body: new URLSearchParams(fields) });
  const body = JSON.parse(await answer.text()) as { readonly access_token?: string };
  return body.access_token;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Attributes that only administrators see are kept; a user needs no more than a name to log in. */
async function makeRealm(admin: Administrator): Promise<KeycloakServer['client']> {
  const clientSecret = `Canary-${randomBytes(12).toString('hex')}`;
  const base = `/admin/realms/${REALM}`;
  const clients = [
    { clientId: 'muster', secret: clientSecret, serviceAccountsEnabled: true, standardFlowEnabled: false },
    { clientId: 'login', publicClient: true, directAccessGrantsEnabled: true },
  ];
  await admin.ask('POST', '/admin/realms', { realm: REALM, enabled: true, editUsernameAllowed: true, clients });
  const profile = (await admin.ask('GET', `${base}/users/profile`)).body as { attributes: Record<string, unknown>[] };
  const attributes = profile.attributes.map(({ required: _required, ...attribute }) => attribute);
  await admin.ask('PUT', `${base}/users/profile`, { ...profile, attributes, unmanagedAttributePolicy: 'ADMIN_EDIT' });
  const [muster] = (await admin.ask('GET', `${base}/clients?clientId=muster`)).body as Named[];
  const [management] = (await admin.ask('GET', `${base}/clients?clientId=realm-management`)).body as Named[];
  const user = (await admin.ask('GET', `${base}/clients/${muster?.id}/service-account-user`)).body as Named;
  const roles = (await admin.ask('GET', `${base}/clients/${management?.id}/roles`)).body as Named[];
  const needed = roles.filter(({ name }) => ['manage-users', 'view-realm', 'manage-realm'].includes(name));
  await admin.ask('POST', `${base}/users/${user.id}/role-mappings/clients/${management?.id}`, needed);
  return { clientId: 'muster', clientSecret };
}
