'use strict';

// The public client of wazo, unchanged, in a process of its own that trusts the test's certificate (NODE_EXTRA_CA_CERTS).
// It reads calls as lines of JSON, `{"path": "auth.logIn", "args": [...]}`, and answers each with `{"value"}` or `{"error"}`.
const { createInterface } = require('node:readline');
const { WazoApiClient } = require('@wazo/sdk');

const settings = JSON.parse(process.argv[2]);
let refreshes = 0;
const client = new WazoApiClient({ server: settings.server, clientId: settings.clientId });
client.onRefreshToken = () => {
  refreshes += 1;
};
client.client.disableErrorLogging();

createInterface({ input: process.stdin }).on('line', (line) => {
  const { path, args } = JSON.parse(line);
  void answer(path, args).then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
});

async function answer(path, args) {
  try {
    if (path === 'refreshes') return { value: refreshes };
    const [part, method] = path.split('.');
    if (method === undefined) return { value: await client[part]?.(...args) };
    return { value: await client[part][method](...args) };
  } catch (error) {
    return { error: { status: error.status, message: String(error.message) } };
  }
}
