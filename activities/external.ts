import { isServiceError, Secret } from '../sdk/index';
import type { LinkedCredential } from '../sdk/index';
import { stepAuthorization } from '../auth/external/authorize';
import type { AuthorizationStep, ExternalDesk } from '../auth/external/authorize';
import { freshCredential } from '../auth/external/credential';
import { revokeOne } from '../auth/external/revoke';
import { expandNow } from '../hooks/flow';
import type { FlowDependencies } from '../hooks/flow';
import type { AuthorizeExternalInput, RefreshExternalInput, RevokeExternalInput } from '../workflows/contracts';

/** What a workflow hears of a step: words and a time. */
export type StepAnswer = { readonly outcome: 'ended' } | { readonly outcome: 'wait'; readonly waitMs: number };

/** One step of an authorization; what it has changed is expanded at once, and by the sweep if this worker dies first. */
export async function stepExternal(
  deps: FlowDependencies,
  desk: ExternalDesk,
  { input, signal }: { readonly input: AuthorizeExternalInput; readonly signal: AbortSignal },
): Promise<StepAnswer> {
  const step: AuthorizationStep = await stepAuthorization(desk, input.authorizationId, signal);
  if (step.outcome === 'wait') return step;
  for (const change of step.changes) await expandNow(deps, change);
  return { outcome: 'ended' };
}

/** Refreshes if need be. Refusals and outages are told by the row, or by its staying as it is. */
export async function refreshExternal(
  desk: ExternalDesk,
  key: RefreshExternalInput,
  signal: AbortSignal,
): Promise<void> {
  await quietly(async () => void (await freshCredential(desk, key, signal)));
}

/** What managers ask for: the person's account with a token that is good now. */
export async function linkedCredential(
  desk: ExternalDesk,
  key: RefreshExternalInput,
  signal: AbortSignal,
): Promise<LinkedCredential | undefined> {
  const data = await freshCredential(desk, key, signal);
  if (data?.accessToken === undefined) return undefined;
  const { remoteId, remoteName, scopes = [], accessToken } = data;
  return { remoteId, remoteName, scopes, accessToken: new Secret(accessToken) };
}

/** One try of a revocation. */
export async function revokeExternal(
  desk: ExternalDesk,
  { revocationId }: RevokeExternalInput,
  signal: AbortSignal,
): Promise<void> {
  await quietly(() => revokeOne(desk, revocationId, signal));
}

/** What the other side says stands in rows; the workflow has nothing to decide about it. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isServiceError(error)) throw error;
  }
}
