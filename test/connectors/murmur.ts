import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { freePort } from '../../runtime/ports';
import { findProgram, isListening, startProgram, until } from './programs';

const SECRET = 'muster-secret';

/** A real murmurd on loopback. */
export interface MurmurServer {
  readonly port: number;
  /** Of the connector. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly secret: string;
  /** Connects as a client; answers when the server has let it in, and throws what it says when not. */
  logIn(user: string, password: string): Promise<MumbleSession>;
  stop(): Promise<void>;
}

/** Somebody who is connected. */
export interface MumbleSession {
  readonly ended: Promise<void>;
}

/** Starts it with a fresh database. */
export async function startMurmur(): Promise<MurmurServer> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-murmur-'));
  const [port, clientPort] = [await freePort(), await freePort()];
  const settings = {
    database: join(folder, 'murmur.sqlite'),
    ice: `"tcp -h 127.0.0.1 -p ${port}"`,
    icesecretwrite: SECRET,
    port: clientPort,
    host: '127.0.0.1',
    logfile: join(folder, 'log'),
    pidfile: join(folder, 'pid'),
    // As root it would become somebody who may not write here.
    uname: userInfo().username,
    bonjour: false,
    autobanAttempts: 0,
  };
  const file = join(folder, 'murmur.ini');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const server = startProgram(findProgram('murmurd') ?? 'murmurd', ['-fg', '-ini', file]);
  await until(async () => (await isListening(port)) && (await isListening(clientPort)), server.output);
  return {
    port,
    secret: SECRET,
    config: { host: '127.0.0.1', port, secret: SECRET },
    logIn: (user, password) => logIn(clientPort, user, password),
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Types of messages: https://mumble-protocol.readthedocs.io/en/latest/establishing_connection.html */
const MESSAGE = { version: 0, authenticate: 2, reject: 4, serverSync: 5 } as const;

async function logIn(port: number, user: string, password: string): Promise<MumbleSession> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const seen = new Set<number>();
  let buffered = Buffer.alloc(0);
  let isClosed = false;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void ended.then(() => (isClosed = true));
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    buffered = Buffer.concat([buffered, bytes]);
    while (buffered.length >= 6 && buffered.length >= 6 + buffered.readUInt32BE(2)) {
      seen.add(buffered.readUInt16BE(0));
      buffered = buffered.subarray(6 + buffered.readUInt32BE(2));
    }
  });
  // Version 1.3.4, and the fields username and password, as protocol buffers.
  socket.write(message(MESSAGE.version, Buffer.from([0x08, 0x84, 0x86, 0x04])));
  socket.write(message(MESSAGE.authenticate, Buffer.concat([text(1, user), text(2, password)])));
  await until(async () => seen.has(MESSAGE.serverSync) || seen.has(MESSAGE.reject) || isClosed);
  if (!seen.has(MESSAGE.serverSync)) {
    socket.destroy();
    throw new Error('the server rejects this login');
  }
  return { ended };
}

function message(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(type, 0);
  head.writeUInt32BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function text(field: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([field * 8 + 2, bytes.length]), bytes]);
}
