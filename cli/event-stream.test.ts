import { parseEvents } from './event-stream';

async function eventsOf(...parts: readonly (string | Error)[]) {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      if (part instanceof Error) throw part;
      yield new TextEncoder().encode(part);
    }
  }
  const found = [];
  for await (const event of parseEvents(stream())) found.push(event);
  return found;
}

describe('a stream of events', () => {
  test('is read also when its parts cut the events', async () => {
    const found = await eventsOf('retry: 2000\n\nid: 4\nevent: prog', 'ress\ndata: {"done":', '1}\n\n: still here\n\n');

    expect(found).toEqual([{ id: '4', name: 'progress', data: '{"done":1}' }]);
  });

  test('may have data of several lines, and no name', async () => {
    expect(await eventsOf('data: a\r\ndata: b\r\n\r\n')).toEqual([{ id: undefined, name: 'message', data: 'a\nb' }]);
  });

  test('that breaks off ends before what it did not finish', async () => {
    const found = await eventsOf('id: 1\ndata: x\n\nid: 2\nda', new TypeError('terminated'));

    expect(found.map(({ id }) => id)).toEqual(['1']);
  });

  test('with another failure fails', async () => {
    await expect(eventsOf(new Error('something else'))).rejects.toThrow('something else');
  });
});
