import { readFileSync } from 'node:fs';
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

/**
 * MUSTER_URL and the token from MUSTER_TOKEN, MUSTER_TOKEN_FILE or `<MUSTER_HOME>/admin-token`.
 * @throws ConfigError
 */
export function loadClientConfig(isTerminal: boolean, env: Environment = process.env): ClientConfig {
  const url = env['MUSTER_URL'] || DEFAULT_URL;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(['MUSTER_URL must be a URL like http://127.0.0.1:8080']);
  return { url: url.replace(/\/+$/, ''), token: tokenOf(env), wantsColour: isTerminal && !env['NO_COLOR'] };
}

function tokenOf(env: Environment): string | undefined {
  if (env['MUSTER_TOKEN']) return env['MUSTER_TOKEN'];
  const named = env['MUSTER_TOKEN_FILE'];
  try {
    return readFileSync(named || join(env['MUSTER_HOME'] || '.muster', 'admin-token'), 'utf8').trim();
  } catch (error) {
    if (named) throw new ConfigError([`MUSTER_TOKEN_FILE: ${named} cannot be read`]);
    // Without the default file there is no token; who has none will hear of it from the API.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
