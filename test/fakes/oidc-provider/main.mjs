// A certified OpenID Connect server (npm oidc-provider) in a process of its own, with a log of its grants and a switch to
// be away. Started with its settings as JSON; says its address on the first line, and ends with its parent.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv[2] ?? '{}');
const grants = [];
let away = false;
let delayMs = 0;

const server = createServer();
await new Promise((resolve) => server.listen(settings.port ?? 0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: settings.clients,
  pkce: { required: () => true },
  ttl: { AccessToken: settings.accessTokenSeconds ?? 3_600, Interaction: 600, Session: 600, Grant: 3_600 },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  claims: { openid: ['sub'], profile: ['preferred_username', 'name', 'groups'], email: ['email', 'email_verified'] },
  // The subject is what was typed as login; settings.people may say more about it.
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      name: `${id} Example`,
      email: `${id}@example.org`,
      email_verified: true,
      ...settings.people?.[id],
    }),
  }),
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    introspection: { enabled: true, allowedPolicy: () => true },
  },
});
for (const event of ['grant.success', 'grant.error'])
  provider.on(event, (context) => {
    const { grant_type: type } = context.oidc.params ?? {};
    grants.push({ event, type });
  });
provider.on('revocation.success', () => undefined);

const answer = provider.callback();
server.on('request', (request, response) => {
  if (request.url.startsWith('/control/')) return control(request, response);
  if (away) {
    response.statusCode = 503;
    return response.end();
  }
  if (delayMs > 0) return setTimeout(() => answer(request, response), delayMs);
  return answer(request, response);
});

function control(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname === '/control/away') away = searchParams.get('is') === 'true';
  if (pathname === '/control/delay') delayMs = Number(searchParams.get('ms'));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ grants }));
}

process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
