import { createHmac, timingSafeEqual } from 'node:crypto';
import { Rejected } from '@muster/sdk';

/**
 * DiscourseConnect, as meta.discourse.org/t/13045 tells it: a query string, in base64, with the HMAC-SHA256 of that base64 text
 * in hexadecimal digits beside it.
 */
export interface SignedPayload {
  readonly sso: string;
  readonly sig: string;
}

/** What the forum tells and is told of a person. Values that are undefined are left out. */
export type Payload = Readonly<Record<string, string | undefined>>;

export function sign(payload: Payload, secret: string): SignedPayload {
  const fields = Object.entries(payload).filter((field): field is [string, string] => field[1] !== undefined);
  const sso = Buffer.from(new URLSearchParams(fields).toString()).toString('base64');
  return { sso, sig: signature(sso, secret) };
}

/** Reads what the forum sent; throws Rejected when the signature is not that of this secret. */
export function open({ sso, sig }: SignedPayload, secret: string): URLSearchParams {
  const [given, expected] = [Buffer.from(sig, 'hex'), Buffer.from(signature(sso, secret), 'hex')];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Rejected(
      'The signature of the forum does not fit; is the DiscourseConnect secret the same on both sides?',
      {
        code: 'signature',
      },
    );
  }
  return new URLSearchParams(Buffer.from(sso, 'base64').toString('utf8'));
}

function signature(sso: string, secret: string): string {
  return createHmac('sha256', secret).update(sso).digest('hex');
}
