import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How a call of the client ended. */
export interface SdkAnswer {
  readonly value?: unknown;
  readonly error?: { readonly status?: number; readonly message: string };
}

/** The public client `@wazo/sdk`, in a process that trusts one certificate. */
export interface WazoClient {
  /** A call such as `auth.logIn`. */
  call(path: string, ...args: readonly unknown[]): Promise<SdkAnswer>;
  stop(): void;
}

export interface WazoClientOptions {
  /** `host:port`; the client speaks https. */
  readonly server: string;
  readonly clientId: string;
  /** File of the certificate to trust. */
  readonly trusted: string;
}

export function startWazoClient({ server, clientId, trusted }: WazoClientOptions): WazoClient {
  const child = spawn(process.execPath, [join(__dirname, 'sdk-client.cjs'), JSON.stringify({ server, clientId })], {
    env: { NODE_EXTRA_CA_CERTS: trusted },
    // It warns of its own old properties.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting: ((answer: SdkAnswer) => void)[] = [];
  child.once('exit', (code) => {
    for (const answer of waiting.splice(0)) answer({ error: { message: `the client ended with ${code}` } });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    // The SDK logs to the same place.
    if (line.startsWith('{"value"') || line.startsWith('{"error"') || line === '{}')
      waiting.shift()?.(JSON.parse(line) as SdkAnswer);
  });
  return {
    call: (path, ...args) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.stdin.write(`${JSON.stringify({ path, args })}\n`);
      }),
    stop: () => void child.kill('SIGKILL'),
  };
}
