import { createHash, randomBytes } from 'node:crypto';

const SHA256 = 'rabbit_password_hashing_sha256';
const MD5 = 'rabbit_password_hashing_md5';
const SALT_BYTES = 4;
const SHA256_BYTES = 32;

/** A password as the broker keeps it. */
export interface StoredPassword {
  readonly password_hash: string;
  readonly hashing_algorithm: string;
}

/** Nobody logs in with a password. */
export const NO_PASSWORD: StoredPassword = { password_hash: '', hashing_algorithm: SHA256 };

/** Hashed here, so that the text reaches neither the broker nor its logs. https://www.rabbitmq.com/docs/passwords#computing-password-hash */
export function hashed(password: string): StoredPassword {
  const salt = randomBytes(SALT_BYTES);
  const hash = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return { password_hash: Buffer.concat([salt, hash]).toString('base64'), hashing_algorithm: SHA256 };
}

/**
 * A password that no longer fits, and can be brought back: the hash stays, but is said to be of another kind, whose hashes have another
 * length, so that none can ever equal it.
 */
export function locked({ password_hash }: StoredPassword): StoredPassword {
  return isSha256(password_hash) ? { password_hash, hashing_algorithm: MD5 } : NO_PASSWORD;
}

/** What `locked` has locked. */
export function unlocked({ password_hash }: StoredPassword): StoredPassword {
  return { password_hash, hashing_algorithm: SHA256 };
}

function isSha256(hash: string): boolean {
  return Buffer.from(hash, 'base64').length === SALT_BYTES + SHA256_BYTES;
}
