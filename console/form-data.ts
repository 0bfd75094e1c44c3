import express from 'express';
import { Problem } from '../api/problem';
import { mediaType } from '../api/body';
import { REFUSED } from './texts/frame';
import type { Request, Response as HttpResponse } from 'express';

/** Largest form, in bytes, unless its page takes more. */
export const MAX_FORM_BYTES = 200_000;

const MIB = 1_048_576;

export interface SentForm {
  readonly fields: URLSearchParams;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The fields and files of a form. @throws Problem body-too-large, unsupported-media-type, invalid-request; the reader's errors, see problems.ts */
export async function readForm(request: Request, response: HttpResponse, maxBytes = MAX_FORM_BYTES): Promise<SentForm> {
  const bytes = await readBytes(request, response, maxBytes);
  const type = mediaType(request);
  if (type === 'multipart/form-data') return readParts(bytes, request.headers['content-type'] ?? '');
  if (bytes.length > 0 && type !== 'application/x-www-form-urlencoded')
    throw new Problem('unsupported-media-type', 'This page takes forms.');
  return { fields: new URLSearchParams(bytes.toString('utf8')), files: new Map() };
}

async function readBytes(request: Request, response: HttpResponse, limit: number): Promise<Buffer> {
  const readRaw = express.raw({ type: () => true, limit, inflate: false });
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => {
      if (error === undefined || error === null) resolve();
      else reject(isTooLarge(error) ? tooLarge(limit, error) : error);
    });
  });
  const bytes: unknown = request.body;
  return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
}

function isTooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'type' in error && error.type === 'entity.too.large';
}

function tooLarge(limit: number, cause: unknown): Problem {
  const most = limit >= MIB ? `${Math.floor(limit / MIB)} MB` : `${Math.floor(limit / 1_000)} kB`;
  return new Problem('body-too-large', REFUSED.tooLarge(most), { cause });
}

async function readParts(bytes: Buffer, contentType: string): Promise<SentForm> {
  const fields = new URLSearchParams();
  const files = new Map<string, Buffer>();
  for (const [name, value] of await partsOf(bytes, contentType)) {
    if (typeof value === 'string') fields.append(name, value);
    else files.set(name, Buffer.from(await value.arrayBuffer()));
  }
  return { fields, files };
}

/** Node's own reader of forms. */
async function partsOf(bytes: Buffer, contentType: string): Promise<Iterable<[string, string | Blob]>> {
  try {
    return await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch (error) {
    throw new Problem('invalid-request', 'The form could not be read.', { cause: error });
  }
}
