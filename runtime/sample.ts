import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { createClient } from '../cli/client';
import type { Client } from '../cli/client';
import { CliFailure } from '../cli/failure';
import type { EmbeddedPostgres } from './embedded-postgres';
import { ensureProvisioner, PROVISIONER } from './provisioner-role';

export interface SampleOptions {
  readonly apiUrl: string;
  readonly token: string;
  readonly target: EmbeddedPostgres;
  /** Folder of sample/: the organisation and its service. */
  readonly folder: string;
  /** Where the provisioner's password is kept. */
  readonly passwordFile: string;
  readonly log: (line: string) => void;
}

/** What a first start did. */
export interface SampleReport {
  readonly people: number;
  readonly accounts: number;
  readonly groups: number;
  readonly memberships: number;
  readonly seconds: number;
}

interface SampleService {
  readonly service: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly config?: Readonly<Record<string, unknown>>;
  };
  readonly grants: readonly { readonly state?: string; readonly group?: string }[];
}

/** Provisions the sample organisation unless that was done before: then undefined. */
export async function provisionSample(options: SampleOptions): Promise<SampleReport | undefined> {
  const client = createClient({ url: options.apiUrl, token: options.token });
  const sample = parse(readFileSync(join(options.folder, 'services.yaml'), 'utf8')) as SampleService;
  if (await exists(client, sample.service.name)) return undefined;
  const password = await ensureProvisioner(options.target.url, options.passwordFile);
  await importOrganisation(client, options);
  const place = { host: '127.0.0.1', port: options.target.port, database: 'postgres', user: PROVISIONER, password };
  const config = { ...sample.service.config, ...place };
  const started = performance.now();
  await client.call({ method: 'POST', path: '/v1/services', body: { ...sample.service, config } });
  for (const grant of sample.grants) {
    await client.call({ method: 'POST', path: '/v1/grants', body: { service: sample.service.name, ...grant } });
  }
  return watch(client, sample.service.name, { started, log: options.log });
}

async function exists(client: Client, service: string): Promise<boolean> {
  try {
    await client.call({ path: `/v1/services/${service}` });
    return true;
  } catch (error) {
    if (error instanceof CliFailure) return false;
    throw error;
  }
}

async function importOrganisation(client: Client, options: SampleOptions): Promise<void> {
  const content = createReadStream(join(options.folder, 'organisation.yaml'));
  await client.call({
    method: 'POST',
    path: '/v1/imports',
    stream: { content, contentType: 'application/yaml' },
    headers: { prefer: 'wait=20' },
  });
}

interface Figures {
  readonly due: number;
  readonly waiting: number;
  readonly running: number;
  readonly accounts: Readonly<Record<string, number>>;
  readonly groups?: number;
  readonly memberships?: number;
}

interface Watching {
  readonly started: number;
  readonly log: (line: string) => void;
}

const LOOK_MS = 250;
const SPEAK_MS = 2_000;
const GIVE_UP_MS = 300_000;

/** Follows the service until everybody who should have an account has one. */
async function watch(client: Client, service: string, watching: Watching): Promise<SampleReport> {
  let spoken = performance.now();
  for (;;) {
    const figures = await client.call<Figures>({ path: `/v1/services/${service}/status` });
    const accounts = figures.accounts['active'] ?? 0;
    const seconds = (performance.now() - watching.started) / 1000;
    const open = figures.due + figures.running + figures.waiting + (figures.accounts['none'] ?? 0);
    if (accounts > 0 && open === 0) return reportOf(client, figures, { accounts, seconds });
    if (seconds * 1000 > GIVE_UP_MS)
      throw new Error(`the sample was not provisioned within ${GIVE_UP_MS / 1000} s: see muster status`);
    if (performance.now() - spoken > SPEAK_MS) {
      spoken = performance.now();
      watching.log(`Provisioning the sample organisation: ${accounts} accounts so far ...`);
    }
    await delay(LOOK_MS);
  }
}

async function reportOf(
  client: Client,
  figures: Figures,
  done: { readonly accounts: number; readonly seconds: number },
): Promise<SampleReport> {
  const people = await client.list<unknown>({ path: '/v1/users' }, 100_000);
  return { people: people.length, groups: figures.groups ?? 0, memberships: figures.memberships ?? 0, ...done };
}
