import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const CLIENT = { id: 'the-client', secret: 'the-secret' } as const;
export const SOCIAL_CLIENT = CLIENT;

/** Speaks Discord's and GitHub's OAuth 2 and the few calls that Muster makes there; checks client, PKCE and redirect as they do. */
export interface SocialSite {
  readonly url: string;
  /** Tokens that are good. */
  readonly tokens: Set<string>;
  /** What was asked for, e.g. `POST /oauth2/token`. */
  readonly calls: string[];
  /** Answers this status to the next calls of revocation. */
  refuseRevocations(status: number | undefined): void;
  close(): Promise<void>;
}

interface Site {
  readonly codes: Map<string, { readonly challenge: string; readonly redirect: string }>;
  readonly tokens: Set<string>;
  readonly calls: string[];
  refusing: number | undefined;
}

export async function startSocialSite(): Promise<SocialSite> {
  const site: Site = { codes: new Map(), tokens: new Set(), calls: [], refusing: undefined };
  const server = createServer((request, response) => {
    void answer(site, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens: site.tokens,
    calls: site.calls,
    refuseRevocations: (status) => {
      site.refusing = status;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://site');
  const body = await bodyOf(request);
  site.calls.push(`${request.method} ${url.pathname}`);
  const send = (status: number, value?: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(value === undefined ? undefined : JSON.stringify(value));
  };
  if (url.pathname.endsWith('/authorize')) return authorize(site, url, response);
  if (url.pathname.endsWith('/users/@me') || url.pathname.endsWith('/user')) return send(...whoIs(site, request));
  if (url.pathname === '/oauth2/token/revoke') {
    if (site.refusing !== undefined) return send(site.refusing);
    site.tokens.clear();
    return send(isClient(request, new URLSearchParams(body)) ? 200 : 401, {});
  }
  if (url.pathname === `/applications/${CLIENT.id}/grant` && request.method === 'DELETE') {
    if (!isClient(request, new URLSearchParams())) return send(401);
    return send(site.tokens.delete((JSON.parse(body) as { access_token: string }).access_token) ? 204 : 404);
  }
  if (url.pathname === '/oauth2/token') return send(...exchange(site, request, { body, refusal: 400 }));
  // GitHub answers 200 to a code that it does not take.
  if (url.pathname === '/login/oauth/access_token') return send(...exchange(site, request, { body, refusal: 200 }));
  return send(404, {});
}

function authorize(site: Site, url: URL, response: ServerResponse): void {
  const code = randomBytes(12).toString('hex');
  const redirect = url.searchParams.get('redirect_uri') ?? '';
  site.codes.set(code, { challenge: url.searchParams.get('code_challenge') ?? '', redirect });
  const back = new URL(redirect);
  back.searchParams.set('code', code);
  back.searchParams.set('state', url.searchParams.get('state') ?? '');
  response.writeHead(302, { location: back.href }).end();
}

function exchange(
  site: Site,
  request: IncomingMessage,
  { body, refusal }: { readonly body: string; readonly refusal: number },
): [number, unknown] {
  const form = new URLSearchParams(body);
  const known = site.codes.get(form.get('code') ?? '');
  site.codes.delete(form.get('code') ?? '');
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url');
  const isRight = known?.challenge === challenge && known.redirect === form.get('redirect_uri');
  if (!isClient(request, form) || !isRight) return [refusal, { error: 'bad_verification_code' }];
  const token = `token-${randomBytes(12).toString('hex')}`;
  site.tokens.add(token);
  const scope = refusal === 200 ? 'read:user,user:email' : 'identify guilds.join';
  return [200, { access_token: token, token_type: 'bearer', scope }];
}

function whoIs(site: Site, request: IncomingMessage): [number, unknown] {
  if (!site.tokens.has((request.headers.authorization ?? '').replace(/^bearer /i, ''))) return [401, {}];
  return [
    200,
    {
      id: request.url?.endsWith('@me') ? '80351110224678912' : 4711,
      username: 'ada',
      global_name: 'Ada L.',
      login: 'ada-l',
    },
  ];
}

function isClient(request: IncomingMessage, form: URLSearchParams): boolean {
  const basic = Buffer.from((request.headers.authorization ?? '').replace(/^basic /i, ''), 'base64').toString();
  const given = basic === '' ? `${form.get('client_id')}:${form.get('client_secret')}` : decodeURIComponent(basic);
  return given === `${CLIENT.id}:${CLIENT.secret}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
