import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface OidcSettings {
  readonly clients: readonly Readonly<Record<string, unknown>>[];
  /** How long access tokens are good. Default 3,600. */
  readonly accessTokenSeconds?: number;
  /** More claims, by login. */
  readonly people?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A real OpenID Connect server in a process of its own. */
export interface OidcProvider {
  readonly issuer: string;
  /** Grants at the token endpoint so far, e.g. `refresh_token`, `authorization_code (refused)`. */
  grants(): Promise<readonly string[]>;
  /** While true it answers 503 to everything. */
  away(is: boolean): Promise<void>;
  /** How long it takes for every answer. */
  delay(ms: number): Promise<void>;
  /** Does it still take this token? */
  isActive(token: string, client: { readonly id: string; readonly secret: string }): Promise<boolean>;
  stop(): Promise<void>;
}

/** Starts the server on a free port; it ends with this process. */
export async function startOidcProvider(settings: OidcSettings): Promise<OidcProvider> {
  const child = spawn(process.execPath, [join(__dirname, 'main.mjs'), JSON.stringify(settings)], {
    // Its warnings about development settings are meant for somebody else.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const issuer = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('{')) resolve((JSON.parse(line) as { readonly issuer: string }).issuer);
    });
    child.once('exit', (code) => reject(new Error(`the OpenID Connect server ended with ${code}`)));
  });
  const control = async (path: string): Promise<readonly { readonly event: string; readonly type: string }[]> => {
    const answer = await fetch(`${issuer}/control/${path}`);
    return ((await answer.json()) as { readonly grants: readonly { event: string; type: string }[] }).grants;
  };
  return {
    issuer,
    grants: async () =>
      (await control('log')).map(({ event, type }) => (event === 'grant.success' ? type : `${type} (refused)`)),
    away: async (is) => void (await control(`away?is=${is}`)),
    delay: async (ms) => void (await control(`delay?ms=${ms}`)),
    isActive: async (token, { id, secret }) => {
      const answer = await fetch(`${issuer}/token/introspection`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({ token }),
      });
      return ((await answer.json()) as { readonly active: boolean }).active;
    },
    stop: async () => {
      const ended = new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
      });
      child.kill('SIGKILL');
      await ended;
    },
  };
}
