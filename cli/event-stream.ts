/** One event of a `text/event-stream`. */
export interface StreamEvent {
  readonly id: string | undefined;
  /** `message` where the server does not name it. */
  readonly name: string;
  readonly data: string;
}

/**
 * The events of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html says. Comments keep the connection
 * alive and are left out; a stream that breaks off in an event ends before it, without an error.
 */
export async function* parseEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent, void> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const part of stream) {
      text += decoder.decode(part, { stream: true }).replaceAll('\r\n', '\n');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      yield* blocks.flatMap((block) => eventOf(block) ?? []);
    }
  } catch (error) {
    // The connection broke: whoever follows comes back with the last id.
    if (!(error instanceof TypeError)) throw error;
  }
}

function eventOf(block: string): StreamEvent | undefined {
  const fields = block.split('\n').flatMap((line) => {
    const [, name, value] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
    return name === undefined ? [] : [{ name, value: value ?? '' }];
  });
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value);
  if (data.length === 0) return undefined;
  const last = (wanted: string): string | undefined => fields.findLast(({ name }) => name === wanted)?.value;
  return { id: last('id'), name: last('event') ?? 'message', data: data.join('\n') };
}
