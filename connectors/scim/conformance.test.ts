import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { describeWith } from '../../test/connectors/programs';
import { startScim2, startScimmy } from '../../test/connectors/scim-servers';
import type { ScimServer } from '../../test/connectors/scim-servers';

describeWith(['scim2-server'], 'on scim2-server', () => {
  describeConnector({ connector, transport: 'http', start: async () => targetOf(await startScim2()) });
});

describe('on SCIMMY', () => {
  describeConnector({
    connector,
    transport: 'http',
    start: async () => targetOf(await startScimmy({ patch: true, changePassword: true })),
  });
});

describe('on SCIMMY that says it cannot PATCH', () => {
  describeConnector({
    connector,
    transport: 'http',
    start: async () => targetOf(await startScimmy({ patch: false, changePassword: true })),
    // Muster changes one group once at a time, so this is about others who write to it.
    without: { 'two who join one group at once are both in it': 'the server has neither PATCH nor versions' },
  });
});

async function targetOf(server: ScimServer): Promise<ConformanceTarget> {
  const proxy = await startHttpProxy(server.origin);
  return {
    config: { url: `${proxy.url}${server.path}`, token: server.token },
    secrets: [server.token],
    prefix: 'muster-',
    impossibleNames: ['', 'x'.repeat(129), 'a\u0000b', ' spaced'],
    farSide: farSideOf(server),
    loseNextAnswer: () => proxy.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}

interface Listed {
  readonly id: string;
  readonly userName: string;
  readonly displayName: string;
  readonly active?: boolean;
  readonly members?: readonly { readonly value: string }[];
}

/** Asks the server itself, past proxy and manager, for everything it has. */
function farSideOf(server: ScimServer): FarSide {
  const ask = async (path: string, body?: object, method?: string): Promise<unknown> => {
    const answer = await fetch(`${server.origin}${server.path}${path}`, {
      method: body === undefined ? 'GET' : (method ?? 'POST'),
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/scim+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  /** SCIMMY gives no more than 200 at once. */
  const all = async (path: string): Promise<readonly Listed[]> => {
    const found: Listed[] = [];
    for (;;) {
      const answer = (await ask(`${path}?count=200&startIndex=${found.length + 1}`)) as {
        readonly Resources?: readonly Listed[];
        readonly totalResults: number;
      };
      found.push(...(answer.Resources ?? []));
      if (found.length >= answer.totalResults || (answer.Resources ?? []).length === 0) return found;
    }
  };
  const accounts = async (): Promise<readonly SeenAccount[]> => {
    const groups = await all('/Groups');
    return (await all('/Users')).map(({ id, userName, active }) => ({
      remoteId: id,
      name: userName,
      enabled: active ?? true,
      groups: groups.filter(({ members }) => members?.some(({ value }) => value === id)).map((group) => group.id),
    }));
  };
  return {
    accounts,
    groups: async () => (await all('/Groups')).map(({ id, displayName }) => ({ remoteId: id, name: displayName })),
    plantAccount: async (name) => {
      const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: name, active: true };
      const { id } = (await ask('/Users', body)) as Listed;
      return { remoteId: id, name, enabled: true, groups: [] };
    },
    plantGroup: async (name) => {
      const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: name };
      return { remoteId: ((await ask('/Groups', body)) as Listed).id, name };
    },
    join: async (account, group) => {
      const body = {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        displayName: group.name,
        members: [{ value: account.remoteId }],
      };
      await ask(`/Groups/${group.remoteId}`, body, 'PUT');
    },
  };
}
