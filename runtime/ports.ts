import { createServer } from 'node:net';

import { StartupError, systemErrorCode } from './startup-error';

const LOOPBACK = '127.0.0.1';

/** A loopback port that is free now; another program may still take it before it is used. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/**
 * Makes sure that nobody listens on a loopback port.
 * @throws StartupError PORT_TAKEN naming the port, what wanted it, and the setting that changes it.
 */
export async function requireFreePort(wanted: {
  readonly port: number;
  readonly purpose: string;
  readonly setting?: string | undefined;
}): Promise<void> {
  try {
    await listenOnce(wanted.port);
  } catch (error) {
    const code = systemErrorCode(error);
    const remedy = wanted.setting
      ? `stop it, or set ${wanted.setting} to another port`
      : 'stop it, or use another port';
    if (code === 'EADDRINUSE') {
      throw new StartupError(
        'PORT_TAKEN',
        `Port ${wanted.port}, wanted for ${wanted.purpose}, is used by another program: ${remedy}.`,
        { cause: error },
      );
    }
    if (code === 'EACCES') {
      throw new StartupError(
        'PORT_TAKEN',
        `Port ${wanted.port}, wanted for ${wanted.purpose}, may not be opened by this user: ${remedy}.`,
        { cause: error },
      );
    }
    throw error;
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: LOOPBACK, port }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}
