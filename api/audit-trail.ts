import { NOBODY } from '../auth/principal';
import { insertAudit } from '../store/audit';
import type { Principal } from '../auth/principal';
import type { AuditEntry } from '../store/audit';
import type { ApiContext } from './context';
import type { Problem } from './problem';
import type { Route } from './route';

export interface Act {
  readonly route: Pick<Route, 'acl' | 'method' | 'path'>;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, unknown>>;
  readonly request: Origin;
}

/** Where a request came from, and what its log lines are found by. */
export interface Origin {
  readonly id?: unknown;
  readonly ip?: string | undefined;
}

/** Writes an administrative act into the audit trail. What people do with their own things stands in operations already. */
export async function noteAct(context: ApiContext, { route, principal, params, request }: Act): Promise<void> {
  const isOwn = ['public', 'authenticated'].includes(route.acl) || route.acl.startsWith('self.');
  if (route.method === 'get' || isOwn) return;
  const action = `${route.method.toUpperCase()} ${route.path}`;
  await note(context, { outcome: 'done', ...whoOf(principal, request), action, target: targetOf(params) });
}

/** The statuses that are a refusal: who it is, what they may, how often they tried. */
const REFUSALS: readonly string[] = [
  'unauthenticated',
  'forbidden',
  'not-grantable',
  'wrong-credentials',
  'login-throttled',
  'too-many-sessions',
];

/** Writes a refusal into the audit trail; other problems are none. */
export async function noteRefusal(
  context: ApiContext,
  problem: Problem,
  { request, response }: Exchange,
): Promise<void> {
  if (!REFUSALS.includes(problem.code)) return;
  const { route, principal, ids } = response.locals as Refused;
  const who = whoOf(principal ?? NOBODY, request);
  // Not the path as it was sent: it may name a person.
  const action = route ?? `${request.method} /services/`;
  await note(context, { outcome: 'refused', ...who, action, target: targetOf(ids ?? {}), detail: problem.code });
}

interface Exchange {
  readonly request: Origin & { readonly method: string };
  readonly response: { readonly locals: object };
}

/** What the frame notes in `response.locals` of a request. */
interface Refused {
  readonly route?: string;
  readonly principal?: Principal;
  readonly ids?: Readonly<Record<string, unknown>>;
}

function whoOf(
  principal: Principal,
  request: Origin,
): Pick<AuditEntry, 'actor' | 'clientId' | 'address' | 'requestId'> {
  const requestId = typeof request.id === 'string' ? request.id : '';
  return { actor: principal.actor, clientId: principal.clientId, address: request.ip ?? '', requestId };
}

/** Ids and names of services; what somebody typed to name a person stays out. */
function targetOf(params: Readonly<Record<string, unknown>>): string {
  const plain = Object.values(params).filter((value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value));
  return plain.join(' ');
}

/** The act is done, or refused, whatever becomes of its line: trouble with the trail is logged with the line itself. */
async function note({ db, log }: ApiContext, entry: AuditEntry): Promise<void> {
  try {
    await insertAudit(db, entry);
  } catch (error) {
    log.error({ event: 'audit.not-written', entry, err: error }, 'audit line not written');
  }
}
