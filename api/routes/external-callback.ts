import { z } from 'zod';
import { authorizationPurpose } from '../../auth/external/context';
import { findExternalAccount } from '../../store/external-accounts';
import { answerAuthorization, findPending, waitForAuthorization } from '../../store/external-authorizations';
import type { AuthorizationRecord } from '../../store/external-authorizations';
import { readUser } from '../../store/users';
import { browserKeyOf, messageOf } from '../external-requests';
import { serviceName } from '../fields';
import { route } from '../route';
import type { Answer, RequestFacts, Route } from '../route';

/** How long a browser waits for the exchange before it is told that it goes on. */
const EXCHANGE_MS = 15_000;

/** Where other sides send people back to. Whoever has a state of another, a used or an old one changes nothing. */
const callback = route({
  method: 'get',
  path: '/v1/external/{type}/callback',
  acl: 'public',
  summary: 'Where another side sends a person back to, after their consent',
  description: 'The `state` is good once, for the person and (where a browser began) the browser it was made for.',
  tags: ['external accounts'],
  params: { type: serviceName },
  query: { state: z.string().max(1_000).optional() },
  anyQuery: true,
  responses: {
    200: { description: 'It is linked', contentType: 'text/html' },
    202: { description: 'It is still being exchanged', contentType: 'text/html' },
    303: { description: 'Back to where the person began' },
    400: { description: 'The state is foreign, used or expired: nothing was changed', contentType: 'text/html' },
    502: { description: 'The other side, or the person there, has declined', contentType: 'text/html' },
  },
  async handler({ params, query, ...request }) {
    const { context } = request;
    const state = query['state'] ?? '';
    const redirect = { type: params.type, state, browserKey: browserKeyOf(request.headers) };
    const found = await findPending(context.db, redirect);
    if (found === undefined) return foreign();
    const sealed = context.sealer.seal(JSON.stringify(messageOf(query)), authorizationPurpose(found.id, 'message'));
    if (!(await answerAuthorization(context.db, redirect, sealed))) return foreign();
    await context.flow.authorizationStep(found.id);
    return page(request, found.id);
  },
});

function foreign(): Answer {
  return words(
    400,
    'This link is not valid',
    'It was used already, has expired, or was made for somebody else. Begin again.',
  );
}

function words(status: number, title: string, text: string): Answer {
  return { status, words: { title, text } };
}

async function page(request: RequestFacts, id: string): Promise<Answer> {
  const { context, signal } = request;
  const until = (status: AuthorizationRecord['status']): boolean => status !== 'answered';
  const row = await waitForAuthorization(context.db, id, { until, timeoutMs: EXCHANGE_MS, signal });
  if (row === undefined) return foreign();
  if (row.returnTo !== null) return { status: 303, headers: { Location: withResult(row.returnTo, row) } };
  if (row.status === 'answered')
    return words(
      202,
      'Nearly done',
      'The other side has not answered yet. Muster goes on trying; you can close this page.',
    );
  if (row.status !== 'completed') return words(502, 'It was not linked', `Begin again: ${row.problem ?? 'it failed'}.`);
  const [user, account] = await Promise.all([readUser(context.db, row.userId), findExternalAccount(context.db, row)]);
  // Whoever was lured here sees whose account they have linked theirs to.
  const whose = user === undefined ? 'the person' : `${user.displayName} (${user.username})`;
  return words(200, 'It is linked', `${account?.remoteName ?? 'The account'} at ${row.type} now belongs to ${whose}.`);
}

/** Only the result, in a word: the page asks the API for the rest. */
function withResult(path: string, { id, status }: AuthorizationRecord): string {
  return `${path}${path.includes('?') ? '&' : '?'}authorization=${id}&status=${status}`;
}

export const externalCallbackRoutes: readonly Route[] = [callback];
