import { setTimeout as delay } from 'node:timers/promises';

/** Limits of one download, in milliseconds and bytes. */
export interface DownloadLimits {
  /** Until the first byte of the answer. */
  readonly connectTimeoutMs: number;
  /** Between two pieces of the body. */
  readonly stallTimeoutMs: number;
  readonly maxBytes: number;
  readonly onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
}

/** Reads a whole file over https into memory; follows redirects. @throws Error with a short reason */
export async function download(url: string, limits: DownloadLimits): Promise<Buffer> {
  const abort = new AbortController();
  const response = await inTime(fetch(url, { signal: abort.signal }), limits.connectTimeoutMs, abort);
  if (!response.ok || response.body === null) {
    abort.abort();
    throw new Error(`answered ${response.status}`);
  }
  const total = Number(response.headers.get('content-length')) || undefined;
  const reader = response.body.getReader();
  const pieces: Uint8Array[] = [];
  let received = 0;
  for (;;) {
    const { done, value } = await inTime(reader.read(), limits.stallTimeoutMs, abort);
    if (done) return Buffer.concat(pieces);
    received += value.length;
    if (received > limits.maxBytes) {
      abort.abort();
      throw new Error('is larger than expected');
    }
    pieces.push(value);
    limits.onProgress?.(received, total);
  }
}

async function inTime<Value>(work: Promise<Value>, timeoutMs: number, abort: AbortController): Promise<Value> {
  const timer = new AbortController();
  const tooLate = delay(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    abort.abort();
    throw new Error(`no answer within ${timeoutMs / 1000} s`);
  });
  // The loser of the race is settled later by nobody.
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    timer.abort();
  }
}
