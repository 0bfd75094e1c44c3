import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Seals small secrets (passwords, service credentials) for the database with AES-256-GCM.
 * Layout of a sealed value: version (1 byte), key id (4), nonce (12), tag (16), ciphertext.
 */
export interface Sealer {
  /** Seals with the newest key. `purpose` is bound to the value: it opens only under the same purpose. */
  seal(plain: string, purpose: string): Buffer;
  /** Opens with whichever key sealed it. Throws SealError when the key is missing or the value was altered. */
  open(sealed: Buffer, purpose: string): string;
  /** The same value sealed with the newest key; undefined when it already is. For rotation. */
  rotate(sealed: Buffer, purpose: string): Buffer | undefined;
  /** A keyed hash: tells equal from different without keeping something that could be guessed. */
  fingerprint(text: string, purpose: string): string;
}

export type SealErrorCode = 'seal-key-unknown' | 'seal-broken' | 'seal-key-invalid';

/** A sealed value that cannot be opened, or a key that is no key. Never carries the value or the key. */
export class SealError extends Error {
  override readonly name = 'SealError';

  constructor(
    readonly code: SealErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const VERSION = 1;
const ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + ID_BYTES + NONCE_BYTES + TAG_BYTES;
const KEY_BYTES = 32;

interface SealingKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Makes a sealer from base64 or hex keys of 32 bytes, newest first: the first seals, all open.
 * @throws SealError seal-key-invalid
 */
export function createSealer(keys: string | readonly string[]): Sealer {
  const parsed = (typeof keys === 'string' ? keys.split(/[\s,]+/) : keys).filter((key) => key !== '').map(parseKey);
  const newest = parsed[0];
  if (newest === undefined) throw new SealError('seal-key-invalid', 'There is no key to seal with.');
  const open = (sealed: Buffer, purpose: string): string => openWith(parsed, sealed, purpose);
  return {
    seal: (plain, purpose) => sealWith(newest, plain, purpose),
    open,
    rotate: (sealed, purpose) => {
      const plain = open(sealed, purpose);
      return keyIdOf(sealed) === newest.id ? undefined : sealWith(newest, plain, purpose);
    },
    fingerprint: (text, purpose) => fingerprintWith(newest, text, purpose),
  };
}

/** A new random key in the form `createSealer` takes. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

function parseKey(text: string): SealingKey {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (bytes.length !== KEY_BYTES) {
    throw new SealError(
      'seal-key-invalid',
      'A secret key must be 32 random bytes in base64 or hex (openssl rand -base64 32).',
    );
  }
  return {
    id: createHash('sha256')
      .update(bytes)
      .digest('hex')
      .slice(0, ID_BYTES * 2),
    bytes,
  };
}

function sealWith(key: SealingKey, plain: string, purpose: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce);
  cipher.setAAD(Buffer.from(purpose));
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(key.id, 'hex'), nonce, cipher.getAuthTag(), text]);
}

function openWith(keys: readonly SealingKey[], sealed: Buffer, purpose: string): string {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION)
    throw new SealError('seal-broken', 'This is not a sealed value.');
  const id = keyIdOf(sealed);
  const key = keys.find((candidate) => candidate.id === id);
  if (key === undefined) {
    throw new SealError('seal-key-unknown', `The value was sealed with key ${id}, which is not among the keys given.`);
  }
  const nonceAt = 1 + ID_BYTES;
  const tagAt = nonceAt + NONCE_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, sealed.subarray(nonceAt, tagAt));
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(sealed.subarray(tagAt, HEADER_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    throw new SealError('seal-broken', 'The sealed value was altered, or sealed for another purpose.');
  }
}

function keyIdOf(sealed: Buffer): string {
  return sealed.subarray(1, 1 + ID_BYTES).toString('hex');
}

function fingerprintWith(key: SealingKey, text: string, purpose: string): string {
  // A key of its own, so that the sealing key is used for sealing only.
  const derived = Buffer.from(hkdfSync('sha256', key.bytes, '', `muster fingerprint ${purpose}`, KEY_BYTES));
  return createHmac('sha256', derived).update(text).digest('base64url');
}
