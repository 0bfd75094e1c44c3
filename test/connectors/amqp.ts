import { connect } from 'node:net';
import { until } from './programs';

/** Somebody who is connected to a broker. */
export interface AmqpSession {
  readonly isOver: () => boolean;
}

const FRAME_END = 0xce;
/** Methods of the class connection (10): https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf */
const METHOD = { start: 10, startOk: 11, tune: 30, tuneOk: 31, open: 40, openOk: 41, close: 50 } as const;

/** Logs in and opens a virtual host. Throws when the broker hangs up instead. */
export async function openAmqp(
  port: number,
  { user, password, vhost }: Readonly<Record<'user' | 'password' | 'vhost', string>>,
): Promise<AmqpSession> {
  const socket = connect(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  let isClosed = false;
  socket.on('data', (bytes) => (received = Buffer.concat([received, bytes])));
  socket.on('error', () => undefined);
  socket.on('close', () => (isClosed = true));
  const saw = (method: number): boolean => received.includes(Buffer.from([0, 10, 0, method]));
  const isOver = (): boolean => isClosed || saw(METHOD.close);
  const exchange = async (bytes: Buffer, method: number): Promise<void> => {
    socket.write(bytes);
    await until(async () => saw(method) || isOver());
    if (!saw(method)) throw new Error('the broker hung up');
  };
  await exchange(Buffer.from('AMQP\u0000\u0000\u0009\u0001', 'latin1'), METHOD.start);
  const response = Buffer.from(`\0${user}\0${password}`);
  await exchange(
    frame(METHOD.startOk, [uint(0, 4), short('PLAIN'), uint(response.length, 4), response, short('en_US')]),
    METHOD.tune,
  );
  socket.write(frame(METHOD.tuneOk, [uint(2047, 2), uint(131_072, 4), uint(0, 2)]));
  await exchange(frame(METHOD.open, [short(vhost), short(''), uint(0, 1)]), METHOD.openOk);
  return { isOver };
}

function frame(method: number, args: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([uint(10, 2), uint(method, 2), ...args]);
  return Buffer.concat([uint(1, 1), uint(0, 2), uint(payload.length, 4), payload, uint(FRAME_END, 1)]);
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function short(text: string): Buffer {
  return Buffer.concat([uint(Buffer.byteLength(text), 1), Buffer.from(text)]);
}
