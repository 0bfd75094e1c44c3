import { createHash } from 'node:crypto';
import { OidcProvider } from '../../auth/oidc/provider';
import { ADMINISTRATOR } from '../../auth/roles';
import { localPath } from '../../api/return-path';
import { PROBLEMS } from '../../api/problem-codes';
import { toProblem } from '../../api/problems';
import { hasClientWithRole } from '../../store/auth-clients';
import { endIdleConsoleSessions } from '../../store/console-sessions';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { beginSession, endSession, IDLE_S, LONGEST_S, newKey } from '../session';
import { SIGN_IN } from '../texts/sign-in';
import type { ApiContext } from '../../api/context';
import type { Problem } from '../../api/problem';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';

const door = page({
  method: 'get',
  path: '/sign-in',
  needs: 'anybody',
  async handler(request) {
    const to = destination(request.query.get('to'));
    if (request.visitor.isSignedIn) return { kind: 'redirect', to };
    const error = request.query.get('failed');
    return doorPage(request, { to, error: error === null ? undefined : failureText(error) });
  },
});

const signIn = page({
  method: 'post',
  path: '/sign-in',
  needs: 'anybody',
  async handler(request) {
    const { form } = request;
    const credentials = { username: form.get('username') ?? '', password: form.get('password') ?? '' };
    return enter(request, { to: destination(form.get('to')), credentials });
  },
});

/** To an OpenID Connect server. A link and no form: the policy of our pages lets no form lead elsewhere. */
const away = page({
  method: 'get',
  path: '/sign-in/with/{provider}',
  needs: 'anybody',
  async handler({ params: { provider = '' }, query, visitor, api }) {
    const back = new URLSearchParams({ to: destination(query.get('to')) });
    const answer = await api.call('GET /v1/auth/oidc/{provider}/start', {
      params: { provider },
      query: {
        returnTo: `/sign-in/return/${provider}?${back.toString()}`,
        challenge: createHash('sha256').update(visitor.browserSecret).digest('base64url'),
      },
    });
    return { kind: 'redirect', to: answer.headers?.['Location'] ?? '/sign-in' };
  },
});

const returned = page({
  method: 'get',
  path: '/sign-in/return/{provider}',
  needs: 'anybody',
  async handler(request) {
    const { query, params, visitor } = request;
    const to = destination(query.get('to'));
    const loginCode = query.get('loginCode');
    if (loginCode === null) return doorPage(request, { to, error: failureText(query.get('loginError') ?? 'expired') });
    const credentials = { provider: params['provider'], loginCode, loginVerifier: visitor.browserSecret };
    return enter(request, { to, credentials });
  },
});

const signOut = page({
  method: 'post',
  path: '/sign-out',
  needs: 'signed in',
  async handler({ api, context, visitor }) {
    const { client } = await api.read<{ readonly client: { readonly provider: string } | null }>('GET /v1/auth');
    await endSession(context.db, visitor.key);
    const at = oidcProviderOf(context, client?.provider ?? '') === undefined ? '' : `?at=${client?.provider}`;
    return { kind: 'redirect', to: `/sign-in${at}`, said: 'signed-out', key: newKey() };
  },
});

function oidcProviderOf({ identity }: ApiContext, name: string): OidcProvider | undefined {
  const provider = identity.providers.get(name)?.provider;
  return provider instanceof OidcProvider ? provider : undefined;
}

interface Entering {
  readonly to: string;
  readonly credentials: Readonly<Record<string, unknown>>;
}

/** The API's own login, with its throttling; its token stays here and never reaches the browser. */
async function enter(request: PageRequest, { to, credentials }: Entering): Promise<PageAnswer> {
  const { api, context, headers } = request;
  // The page says why: a key would travel where anybody can read it.
  if (!request.mayHoldSession) return doorPage(request, { to });
  await endIdleConsoleSessions(context.db, IDLE_S);
  try {
    const browser = headers['user-agent'] ?? '';
    const issued = await api.read<{ readonly tokenData: { readonly id: string } }>('POST /v1/auth', {
      body: { ...credentials, token: { lifeS: LONGEST_S, title: 'browser' } },
    });
    const key = await beginSession(context.db, { tokenId: issued.tokenData.id, browser });
    return { kind: 'redirect', to, key };
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === 'internal') throw error;
    return doorPage(request, { to, error: problemText(problem, 'loginCode' in credentials), problem });
  }
}

function problemText({ code, headers }: Problem, isReturn: boolean): string {
  if (code === 'login-throttled') return SIGN_IN.wait(headers['Retry-After'] ?? '60');
  if (code === 'too-many-sessions') return SIGN_IN.tooMany;
  if (code === 'provider-unavailable' || PROBLEMS[code].status >= 500) return SIGN_IN.away;
  return isReturn ? SIGN_IN.expired : SIGN_IN.wrong;
}

function failureText(word: string): string {
  if (word === 'declined') return SIGN_IN.declined;
  return word === 'failed' ? SIGN_IN.failed : SIGN_IN.expired;
}

/** Only ever a path of ours. */
function destination(to: string | null): string {
  const parsed = localPath.safeParse(to ?? '/');
  return parsed.success && !parsed.data.startsWith('/sign-in') ? parsed.data : '/';
}

interface Door {
  readonly to: string;
  readonly error?: string | undefined;
  readonly problem?: Problem;
}

async function doorPage(request: PageRequest, { to, error, problem }: Door): Promise<PageAnswer> {
  const { context, visitor, form } = request;
  const title = SIGN_IN.title;
  if (!request.mayHoldSession)
    return { kind: 'page', title, main: html`<p class="error" role="alert">${SIGN_IN.plain}</p>` };
  const at = request.query.get('at') ?? '';
  // Else the next one at this computer would be let in there without being asked.
  const hasEnded = oidcProviderOf(context, at) === undefined ? undefined : at;
  const isNew = !(await hasClientWithRole(context.db, ADMINISTRATOR));
  const ways = [
    ...passwordForm(context, { visitor, to, name: form.get('username') ?? '' }),
    ...otherDoors(context, to),
  ];
  const main = html`${error !== undefined && html`<p class="error" role="alert">${error}</p>`}
  ${ways.length === 0 ? html`<p>${SIGN_IN.none}</p>` : ways}
  ${
    hasEnded !== undefined &&
    html`<p><a href="/v1/auth/oidc/${hasEnded}/logout?returnTo=/sign-in">${SIGN_IN.outThere(hasEnded)}</a></p>`
  }
  ${isNew && html`<p><a href="/start">${SIGN_IN.newHere}</a></p>`}
  ${context.mailEnabled && html`<p><a href="/sign-in/forgotten">${SIGN_IN.forgotten}</a></p>`}`;
  return { kind: 'page', title, main, ...(problem === undefined ? {} : { problem }) };
}

/** Of the providers that take a name and a password; they are asked in their order. */
function passwordForm(
  { identity }: ApiContext,
  of: { readonly visitor: PageRequest['visitor']; readonly to: string; readonly name: string },
): readonly Html[] {
  const takes = identity.providers.providers.some(
    ({ provider }) => provider.authPackage.safeParse({ username: 'name', password: 'word' }).success,
  );
  if (!takes) return [];
  const username = {
    name: 'username',
    label: SIGN_IN.username,
    value: of.name,
    autocomplete: 'username',
    isRequired: true,
    hasFocus: of.name === '',
  };
  const password = {
    name: 'password',
    label: SIGN_IN.password,
    type: 'password',
    autocomplete: 'current-password',
    isRequired: true,
  } as const;
  const body = html`<input type="hidden" name="to" value="${of.to}" />${field(username)}${field(password)}
    <p><button type="submit" class="main">${SIGN_IN.submit}</button></p>`;
  return [postForm({ action: '/sign-in', visitor: of.visitor, look: 'stacked', body })];
}

function otherDoors({ identity }: ApiContext, to: string): readonly Html[] {
  const others = identity.providers.providers.filter(({ provider }) => provider instanceof OidcProvider);
  return others.map(({ name, title }) => {
    const query = new URLSearchParams({ to }).toString();
    const label = SIGN_IN.with(title === 'OpenID Connect' ? name : title);
    return html`<p><a class="button wide" href="/sign-in/with/${name}?${query}">${label}</a></p>`;
  });
}

export const signInPages: readonly PageDefinition[] = [door, signIn, away, returned, signOut];
