import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config';
import type { Environment } from './config';

/** What a client of the API (the command line) needs to know. */
export interface ClientConfig {
  readonly url: string;
  /** undefined = none was found; the message of a 401 says where to put it. */
  readonly token: string | undefined;
  /** Standard output is a terminal that wants colours. */
  readonly wantsColour: boolean;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
/** In the home folder: where the Muster that was last started there answers. */
const URL_FILE = 'api-url';

/** Lets commands that are run beside a Muster find it, whatever its port is. */
export function rememberApiUrl(home: string, url: string): void {
  writeFileSync(join(home, URL_FILE), `${url}\n`);
}

/**
 * MUSTER_URL, else what `<MUSTER_HOME>/api-url` says, and the token from MUSTER_TOKEN, MUSTER_TOKEN_FILE or `<MUSTER_HOME>/admin-token`.
 * @throws ConfigError
 */
export function loadClientConfig(isTerminal: boolean, env: Environment = process.env): ClientConfig {
  const url = env['MUSTER_URL'] || readHomeFile(env, URL_FILE) || DEFAULT_URL;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(['MUSTER_URL must be a URL like http://127.0.0.1:8080']);
  return { url: url.replace(/\/+$/, ''), token: tokenOf(env), wantsColour: isTerminal && !env['NO_COLOR'] };
}

function tokenOf(env: Environment): string | undefined {
  if (env['MUSTER_TOKEN']) return env['MUSTER_TOKEN'];
  const named = env['MUSTER_TOKEN_FILE'];
  // Without the default file there is no token; who has none will hear of it from the API.
  const token = named ? readText(named) : readHomeFile(env, 'admin-token');
  if (named && token === undefined) throw new ConfigError([`MUSTER_TOKEN_FILE: ${named} cannot be read`]);
  return token;
}

function readHomeFile(env: Environment, name: string): string | undefined {
  return readText(join(env['MUSTER_HOME'] || '.muster', name));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
