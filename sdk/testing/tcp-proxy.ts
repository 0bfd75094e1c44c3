import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';

/** A TCP proxy on loopback that breaks connections on purpose. */
export interface TcpProxy {
  readonly port: number;
  /**
   * Arms one fault: the next thing sent to the far side that holds `pattern` (a text, or what a function says; any, if
   * undefined) is delivered and answered, but instead of the answer the client sees its connection break.
   */
  loseNextAnswer(pattern?: string | ((bytes: Buffer) => boolean)): void;
  /** Ends every connection and refuses new ones until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

interface State {
  readonly sockets: Set<Socket>;
  /** undefined = not armed. */
  isLost: ((bytes: Buffer) => boolean) | undefined;
  isCut: boolean;
}

/** What a proxy stands in front of. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
  /** Speaks TLS to both sides, with this certificate (PEM) to the client, to see what is sent. The far side's is not looked at. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts a proxy on a free port in front of `target`. Patterns are matched in what was sent at once, as Latin-1. */
export async function startTcpProxy(target: ProxyTarget): Promise<TcpProxy> {
  const state: State = { sockets: new Set(), isLost: undefined, isCut: false };
  const { host, port, tls } = target;
  const server =
    tls === undefined
      ? createServer((client) => forward(client, connect(port, host), state))
      : createTlsServer(tls, (client) => forward(client, connectTls({ host, port, rejectUnauthorized: false }), state));
  // A client that does not like our certificate says so itself.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    loseNextAnswer: (pattern = '') => {
      state.isLost = typeof pattern === 'function' ? pattern : (bytes) => bytes.toString('latin1').includes(pattern);
    },
    cut: () => {
      state.isCut = true;
      destroyAll(state);
    },
    restore: () => {
      state.isCut = false;
    },
    close: () => closeProxy(server, state),
  };
}

function forward(client: Socket, remote: Socket, state: State): void {
  let swallow = false;
  const both = [client, remote];
  const end = (): void => both.forEach((socket) => socket.destroy());
  for (const socket of both) {
    state.sockets.add(socket);
    // An error is always followed by close, which ends the other side.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      state.sockets.delete(socket);
      end();
    });
  }
  if (state.isCut) return end();
  client.on('data', (bytes) => {
    if (state.isLost?.(bytes) === true) {
      state.isLost = undefined;
      swallow = true;
    }
    remote.write(bytes);
  });
  remote.on('data', (bytes) => {
    // The far side has answered, so it has done its work: now the answer gets lost.
    if (swallow) end();
    else client.write(bytes);
  });
}

function destroyAll(state: State): void {
  for (const socket of state.sockets) socket.destroy();
}

async function closeProxy(server: Server, state: State): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  destroyAll(state);
  await closed;
}
