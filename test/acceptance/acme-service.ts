import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AcmeUser {
  readonly id: string;
  readonly externalId: string;
  readonly name: string;
  readonly nickname?: string;
  readonly groups?: readonly string[];
}

/** The far side of the package in test/fixtures/acme-connector: one server, and a tenant for each token. */
export interface AcmeService {
  readonly url: string;
  /** Who has an account in this tenant, by name. */
  users(token: string): readonly AcmeUser[];
  close(): Promise<void>;
}

/** Starts the far side on a free port. */
export async function startAcmeService(tokens: readonly string[]): Promise<AcmeService> {
  const tenants = new Map(tokens.map((token) => [`Bearer ${token}`, new Map<string, AcmeUser>()]));
  const server = createServer((request, response) => {
    void answer(tenants, request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    users: (token) => [...(tenants.get(`Bearer ${token}`)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function answer(tenants: ReadonlyMap<string, Map<string, AcmeUser>>, request: IncomingMessage): Promise<Answer> {
  const { authorization = '' } = request.headers;
  const users = tenants.get(authorization);
  if (users === undefined) return { status: 401, body: {} };
  if (request.url === '/tenant') {
    return { status: 200, body: { tenant: `number ${[...tenants.keys()].indexOf(authorization) + 1}` } };
  }
  const externalId = decodeURIComponent((request.url ?? '').replace('/users/', ''));
  const known = users.get(externalId);
  if (request.method === 'PUT')
    return kept(users, { id: `acme-${users.size + 1}`, externalId, ...(await read(request)) });
  if (known === undefined) return { status: 404, body: {} };
  if (request.method === 'PATCH') return kept(users, { ...known, ...(await read(request)) });
  if (request.method === 'DELETE') users.delete(externalId);
  return { status: 200, body: known };
}

function kept(users: Map<string, AcmeUser>, user: AcmeUser): Answer {
  users.set(user.externalId, user);
  return { status: 200, body: user };
}

async function read(request: IncomingMessage): Promise<Pick<AcmeUser, 'name' | 'nickname' | 'groups'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Pick<AcmeUser, 'name' | 'nickname' | 'groups'>;
}
