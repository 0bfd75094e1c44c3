import type { Account } from './accounts';
import type { Entitlement } from './entitlement';

/** Why an account is wanted or not, and what it waits for, in sentences for people. Pure. */

export interface ExplainedGrant {
  readonly id: string;
  readonly kind: 'user' | 'group' | 'state';
  /** Name of the user, group or state that the grant names. */
  readonly subject: string;
  readonly grantedBy: string;
  readonly grantedAt: Date;
}

type Choice = 'wanted' | 'declined' | null;

/** Why there should, or should not, be an account. */
export function whyWanted(entitlement: Entitlement, choice: Choice, grants: readonly ExplainedGrant[]): string {
  const { service } = entitlement;
  if (!entitlement.serviceEnabled) return `No: the service ${service} is switched off.`;
  if (entitlement.username === null) return 'No: the person is gone.';
  if (!entitlement.active) return 'No: the person is not active.';
  if (!entitlement.entitled) return `No: no grant gives the right to ${service}.`;
  const right = rightOf(entitlement, grants);
  if (choice === 'declined') return `No: the right is there (${right}), but the account was declined.`;
  if (entitlement.begins === 'automatic') return `Yes: ${right}, and accounts begin automatically.`;
  if (choice === 'wanted') return `Yes: ${right}, and the account was asked for.`;
  return `No: the right is there (${right}), but accounts begin on request and nobody has asked.`;
}

function rightOf(entitlement: Entitlement, grants: readonly ExplainedGrant[]): string {
  const named = grants.map((grant) => `granted to ${grant.kind} ${grant.subject}`);
  if (entitlement.byHookState) named.push(`enabled by the connector for the state ${entitlement.state ?? 'Guest'}`);
  if (named.length === 0 && entitlement.byHookDecision) return 'the connector decides when it is written';
  return named.join(', ');
}

export interface ServiceStanding {
  readonly pausedReason: string | null;
  readonly pausedDetail: string | null;
  /** When Muster next looks whether a service that it has paused is well. */
  readonly probeAt?: Date | null;
  readonly blockedUntil: Date | null;
  readonly syncRunning: boolean;
  /** Changes that may still make the account due. */
  readonly unexpandedChanges: number;
}

export interface NextTry {
  /** null = no time is set: at once, or never; `why` says which. */
  readonly at: Date | null;
  readonly why: string;
}

/** When something will next be done, and why then. */
export function whyNextTry(account: Account | undefined, standing: ServiceStanding, now: Date): NextTry {
  if (account === undefined || !account.due) return settled(account, standing);
  if (account.leaseHolder !== null) return none('It is being written now.');
  if (standing.pausedReason !== null) return whilePaused(standing, standing.pausedReason);
  if (account.nextTry === 'never') return none(whyNever(account));
  const blocked = ahead(standing.blockedUntil, now);
  const tried = ahead(account.nextTry, now);
  if (tried !== null && (blocked === null || tried > blocked)) return { at: tried, why: waitingFor(account) };
  if (blocked !== null) return { at: blocked, why: 'The service asked everybody to wait.' };
  return none(standing.syncRunning ? 'The running sync of the service will reach it.' : 'At once: it is due.');
}

function whilePaused({ pausedDetail, probeAt = null }: ServiceStanding, reason: string): NextTry {
  const paused = `The service is paused (${reason}${detailOf(pausedDetail)})`;
  return probeAt === null ? none(`${paused}.`) : { at: probeAt, why: `${paused}; it is looked at again then.` };
}

function whyNever(account: Account): string {
  return NEVER[account.attention ?? ''] ?? 'Not before something about it changes.';
}

function ahead(time: Date | null, now: Date): Date | null {
  return time !== null && time > now ? time : null;
}

function settled(account: Account | undefined, standing: ServiceStanding): NextTry {
  if (standing.unexpandedChanges > 0) return none('A change has just been made and is being looked at.');
  if (account?.attention === 'held')
    return none('Its removal was rejected: it is held until the right is next confirmed.');
  if (account?.deleteAt !== undefined && account.deleteAt !== null)
    return { at: account.deleteAt, why: 'It is disabled, and deleted then unless the right comes back.' };
  return none('Nothing is to be done.');
}

const NEVER: Readonly<Record<string, string>> = {
  rejected: 'The service refuses it: tried again when something about it changes, or by hand.',
  staged: 'The guard waits for a decision of a person.',
  held: 'Its removal was rejected: it is held until the right is next confirmed.',
  'action required': 'A person must act at the service first.',
};

function waitingFor(account: Account): string {
  if (account.failures === 0) return 'It waits for its turn.';
  const tries = account.failures === 1 ? 'one failure' : `${account.failures} failures`;
  return `It waits after ${tries}${detailOf(account.lastError?.message ?? null)}.`;
}

function detailOf(text: string | null): string {
  return text === null || text === '' ? '' : `: ${text}`;
}

function none(why: string): NextTry {
  return { at: null, why };
}
