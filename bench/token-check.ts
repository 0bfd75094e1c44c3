import { Agent, request } from 'node:http';
import type { Client } from '../cli/client';

interface TokenCheckFigures {
  readonly checks: number;
  readonly concurrency: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CLIENTS = 10;
const CHECKS = 4_000;
const WARM_UP = 400;
const CONCURRENCY = 16;
const SCOPE = 'provisioning.services.mail.accounts.read';

/** Checks tokens of several clients, with a permission, over HTTP: one statement in the database for each. */
export async function benchTokenCheck(client: Client, apiUrl: string): Promise<TokenCheckFigures> {
  const tokens = await Promise.all(Array.from({ length: CLIENTS }, (_none, index) => tokenOf(client, index)));
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  try {
    await checkAll({ agent, apiUrl, tokens, checks: WARM_UP });
    const started = performance.now();
    const times = await checkAll({ agent, apiUrl, tokens, checks: CHECKS });
    const seconds = (performance.now() - started) / 1000;
    const sorted = times.toSorted((left, right) => left - right);
    const quantile = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    return {
      checks: CHECKS,
      concurrency: CONCURRENCY,
      perSecond: CHECKS / seconds,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  } finally {
    agent.destroy();
  }
}

async function tokenOf(client: Client, index: number): Promise<string> {
  const fields = { username: `checked-${index}`, roles: ['operator'] };
  const path = '/v1/auth/clients';
  const { id } = await client.call<{ readonly id: string }>({ method: 'POST', path: `${path}/create`, body: fields });
  const issue = { method: 'POST', path: `${path}/${id}/tokens`, body: {} } as const;
  return (await client.call<{ readonly token: string }>(issue)).token;
}

interface Checking {
  readonly agent: Agent;
  readonly apiUrl: string;
  readonly tokens: readonly string[];
  readonly checks: number;
}

/** The time of each check in milliseconds. */
async function checkAll({ agent, apiUrl, tokens, checks }: Checking): Promise<readonly number[]> {
  const times: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < checks) {
      const token = tokens[next % tokens.length] ?? '';
      next += 1;
      const started = performance.now();
      await check(agent, apiUrl, token);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return times;
}

function check(agent: Agent, apiUrl: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    const sent = request(`${apiUrl}/v1/auth/check?scope=${SCOPE}`, { agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        if (answer.statusCode === 204) resolve();
        else reject(new Error(`the check answered ${answer.statusCode}`));
      });
    });
    sent.once('error', reject);
    sent.end();
  });
}
