import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { startTcpProxy } from './tcp-proxy';
import type { TcpProxy } from './tcp-proxy';

const received: string[] = [];
const echo = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    received.push(bytes.toString());
    socket.write(bytes);
  });
});
let proxy: TcpProxy;

beforeAll(async () => {
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await startTcpProxy({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
});

afterAll(async () => {
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

/** What comes back for `text`: the answer, or undefined when the connection ends without one. */
async function ask(text: string): Promise<string | undefined> {
  const socket: Socket = connect(proxy.port, '127.0.0.1');
  const answer = await new Promise<string | undefined>((resolve) => {
    socket.on('data', (bytes) => resolve(bytes.toString()));
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.write(text);
  });
  socket.destroy();
  return answer;
}

test('answers pass through', async () => {
  expect(await ask('hello')).toBe('hello');
});

test('one answer is lost after the far side got the request', async () => {
  proxy.loseNextAnswer('commit');

  expect(await ask('begin')).toBe('begin');
  expect(await ask('commit 1')).toBeUndefined();
  expect(await ask('commit 2')).toBe('commit 2');
  expect(received).toContain('commit 1');
});

test('a cut line is dead until it is restored', async () => {
  proxy.cut();
  expect(await ask('lost')).toBeUndefined();

  proxy.restore();
  expect(await ask('again')).toBe('again');
});
