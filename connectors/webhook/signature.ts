import { createHmac } from 'node:crypto';

/** How a call is signed: the scheme of standardwebhooks.com, for which receivers find libraries in most languages. */

/** The headers of one call. `secrets`: the current one first, then those that are still accepted elsewhere. */
export function signedHeaders(
  message: { readonly id: string; readonly timestampS: number; readonly body: string },
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const { id, timestampS, body } = message;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': secrets.map((secret) => `v1,${signature(secret, `${id}.${timestampS}.${body}`)}`).join(' '),
  };
}

function signature(secret: string, content: string): string {
  return createHmac('sha256', keyOf(secret)).update(content).digest('base64');
}

/** `whsec_` and base64, as the specification writes secrets; any other text is the key as it is. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}
