import { PassThrough, Readable } from 'node:stream';
import express from 'express';
import { z } from 'zod';
import { parseJson } from './json-text';
import { Problem } from './problem';
import { issueItems } from './problems';
import type { Request, Response } from 'express';
import type { Route, StreamSpec } from './route';

/** Largest JSON body, in bytes. Rosters stream and have a limit of their own. */
export const MAX_BODY_BYTES = 1_000_000;

const NO_BODY = z.strictObject({}).optional();
const readRaw = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/** The media type without parameters, lower case; '' when none was sent. */
export function mediaType(request: Request): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The bytes of a body, at most MAX_BODY_BYTES; empty when there is none. @throws the reader's errors, see problems.ts */
export async function readRawBody(request: Request, response: Response): Promise<Buffer> {
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
  const bytes: unknown = request.body;
  return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
}

/** The bytes of a JSON route's body, for its fingerprint and its value. @throws Problem body-too-large, unsupported-media-type */
export async function readBytes(request: Request, response: Response): Promise<Buffer> {
  const bytes = await readRawBody(request, response);
  if (bytes.length === 0) return bytes;
  const type = mediaType(request);
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new Problem('unsupported-media-type', 'This route takes application/json.');
  }
  return bytes;
}

/** The validated body. Routes without a schema take no body or `{}`. @throws Problem malformed-json, duplicate-key, invalid-body */
export function validateBody(route: Route, bytes: Buffer): unknown {
  const isAbsent = bytes.length === 0;
  const schema = route.body ?? NO_BODY;
  if (isAbsent && (route.body === undefined || route.bodyOptional === true)) return undefined;
  if (isAbsent) throw new Problem('invalid-body', 'This route needs a JSON body.');
  const parsed = schema.safeParse(parseJson(bytes));
  if (!parsed.success) {
    throw new Problem('invalid-body', 'The body does not fit this route.', { errors: issueItems(parsed.error) });
  }
  return route.body === undefined ? undefined : parsed.data;
}

/** The body of a streaming route; it breaks with body-too-large beyond the limit. @throws Problem unsupported-media-type */
export function openStream(request: Request, spec: StreamSpec): Readable {
  const type = mediaType(request);
  if (!spec.contentTypes.includes(type)) {
    throw new Problem('unsupported-media-type', `This route takes ${spec.contentTypes.join(', ')}.`);
  }
  if (![undefined, '', 'identity'].includes(request.headers['content-encoding'])) {
    throw new Problem('unsupported-media-type', 'This route takes no Content-Encoding.');
  }
  const tooLarge = new Problem('body-too-large', `The body is larger than ${spec.maxBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > spec.maxBytes) throw tooLarge;
  return limited(request, spec.maxBytes, tooLarge);
}

function limited(source: Readable, maxBytes: number, tooLarge: Problem): Readable {
  const output = new PassThrough();
  let bytes = 0;
  source.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) output.destroy(tooLarge);
  });
  source.once('error', (error) => output.destroy(error));
  source.once('aborted', () => output.destroy(new Problem('invalid-request', 'The request was broken off.')));
  // A reader that gave up (a bad line at the top) must not leave the client's upload hanging: the rest is thrown away.
  output.once('close', () => source.resume());
  source.pipe(output);
  return output;
}

/** An empty body, for routes that read none. */
export function emptyStream(): Readable {
  return Readable.from([]);
}
