import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Rejected } from '@muster/sdk';

const derive = promisify(pbkdf2);

/** The server's own defaults (docs: scram_iterations; pg_authid: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`). */
const ITERATIONS = 4096;
const SALT_BYTES = 16;

// RFC 4013: spaces other than U+0020 become spaces, and these vanish.
const OTHER_SPACES = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g;
const MAPPED_TO_NOTHING = /\u00AD|\u034F|\u1806|[\u180B-\u180D]|\u200C|\u200D|\u2060|[\uFE00-\uFE0F]|\uFEFF/g;
const CONTROL = /\p{Cc}/u;

/**
 * The verifier that PostgreSQL stores for a password. It is computed here, so the password itself is never part of a
 * statement: not in the server's log, not in pg_stat_activity, not in pg_stat_statements (docs: ALTER ROLE, Notes).
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const salted = await derive(prepare(password), salt, ITERATIONS, 32, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/**
 * SASLprep as far as it matters: ASCII stays as it is; the rest is mapped and normalised (NFKC). RFC 4013's tables of
 * prohibited and right-to-left characters are left out: the server takes such a password raw, we take it normalised.
 */
function prepare(password: string): string {
  if (password === '') throw new Rejected('The password is empty.', { code: 'password-empty' });
  if (CONTROL.test(password))
    throw new Rejected('The password holds control characters.', { code: 'password-characters' });
  return password.replace(OTHER_SPACES, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
}
