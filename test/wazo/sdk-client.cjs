'use strict';

// The public client of wazo, unchanged, in a process of its own that trusts the test's certificate (NODE_EXTRA_CA_CERTS).
// It reads calls as lines of JSON, `{"path": "auth.logIn", "args": [...]}`, and answers each with `{"value"}` or `{"error"}`.
const { createInterface } = require('node:readline');
const { WazoApiClient } = require('@wazo/sdk').default ?? require('@wazo/sdk');

const settings = JSON.parse(process.argv[2]);
let refreshes = 0;
let refreshToken;
const client = new WazoApiClient({
  server: settings.server,
  clientId: settings.clientId,
  // As the SDK's own session keeping does: a token that has ended is replaced, and the call is made again.
  refreshTokenCallback: async () => {
    refreshes += 1;
    const session = await client.auth.refreshToken(refreshToken, undefined, 600);
    client.setToken(session.token);
    return session.token;
  },
});
client.client.disableErrorLogging();

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { path, args } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await answer(path, args))}\n`);
});

async function answer(path, args) {
  try {
    if (path === 'setRefreshToken') refreshToken = args[0];
    if (path === 'refreshes') return { value: refreshes };
    const [part, method] = path.split('.');
    if (method === undefined) return { value: await client[part]?.(...args) };
    return { value: await client[part][method](...args) };
  } catch (error) {
    return { error: { status: error.status, message: String(error.message) } };
  }
}
