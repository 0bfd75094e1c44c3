import { isServiceError } from '@muster/sdk';
import type { CallContext, ConnectionReport } from '@muster/sdk';
import type { ScimClient } from './client';
import type { Features } from './discovery';
import { groupWithKey, userWithKey } from './lookup';

/** Nobody carries it: a server that finds somebody all the same does not filter. */
const NOBODY = 'muster:connection-test:user:nobody';

/** Tries what every other method needs: to be let in, and to find users and groups by our key. Changes nothing. */
export async function checkConnection(
  client: ScimClient,
  features: Features,
  call: CallContext,
): Promise<ConnectionReport> {
  const missing: string[] = [];
  if (!features.filter)
    missing.push('The server says that it cannot filter; accounts are found again by a filter on externalId.');
  for (const [what, look] of [
    ['users', userWithKey],
    ['groups', groupWithKey],
  ] as const) {
    const problem = await problemOf(() => look(client, NOBODY, call));
    if (problem !== undefined) missing.push(`Looking for ${what} by externalId fails. ${problem}`);
  }
  const can = [
    features.write.toUpperCase(),
    ...(features.etag ? ['ETag'] : []),
    ...(features.bulk === undefined ? [] : ['bulk']),
    ...(features.changePassword ? ['passwords'] : []),
  ];
  return { ok: missing.length === 0, missing, remote: `SCIM 2.0 (${can.join(', ')})` };
}

async function problemOf(look: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    if (isServiceError(error) && (error.kind === 'misconfigured' || error.kind === 'rejected')) return error.message;
    throw error;
  }
}
