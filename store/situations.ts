import type { AccountBegins, AccountStatus, Attributes, DueReason, OnLoss } from '../domain/words';
import type { Profile } from '../domain/decide';
import type { OrphanPolicy } from '../domain/orphans';
import { prepared } from './database';
import type { Queryable } from './database';

/** What an unfinished call left behind: see rule 5. */
export interface Intent {
  readonly call: 'createAccount' | 'deleteAccount';
  readonly name: string;
}

/** Everything that a round of convergence needs, read in one statement: version and desired state are of one snapshot. */
export interface AccountSituation {
  readonly serviceId: string;
  readonly userId: string;
  readonly version: number;
  readonly appliedVersion: number;
  readonly status: AccountStatus;
  readonly choice: 'wanted' | 'declined' | null;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly appliedProfile: Profile | null;
  readonly appliedGroups: readonly string[] | null;
  readonly dueReasons: readonly DueReason[];
  readonly notifyUser: boolean;
  readonly failures: number;
  readonly attention: string | null;
  readonly verify: boolean;
  readonly intent: Intent | null;
  /** How long the deadline of the unsettled call still lies ahead; 0 = passed or none. */
  readonly intentWaitMs: number;
  /** How long the row still asks to wait, and the service (throttled). */
  readonly rowWaitMs: number;
  readonly begins: AccountBegins;
  readonly onLoss: OnLoss;
  /** Days between disabling and deleting; null: it is never deleted. */
  readonly deleteAfterDays: number | null;
  /** It was disabled, and has not been wanted again since. */
  readonly graceBegan: boolean;
  /** A time of its deletion is set. */
  readonly deletionPlanned: boolean;
  readonly serviceEnabled: boolean;
  /** null: the person's row is gone. */
  readonly user: SituationUser | null;
  /** The user id in the key at the far side: another one where several people share the account. */
  readonly keyId: string;
  /** The last known username, for notices when the row is gone. */
  readonly username: string;
  readonly grantId: string | null;
  readonly hookState: boolean;
  readonly desiredGroups: readonly string[];
  readonly passwordWanted: boolean;
  /** The person has a part in an account that several people share. */
  readonly shares: boolean;
  /** The account without a key that is to become this one. */
  readonly adopt: { readonly remoteId: string; readonly name: string; readonly enabled?: boolean | null } | null;
  /** It is nobody's: what is done about such accounts; null: it is a person's. */
  readonly orphan: OrphanPolicy | null;
  /** Names that are reserved for it and not a stranger's. */
  readonly heldNames: readonly string[];
  /** Something of this account is reserved, staged, approved or held by the guard. */
  readonly guarded: boolean;
}

export interface SituationUser {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly active: boolean;
  readonly attributes: Attributes;
  readonly state: string;
  readonly groups: readonly string[];
}

/** `rowWaitMs` of a row that only a change sets going again. */
export const NEVER_MS = 2_147_483_647;

const SITUATIONS = prepared(`
  select a.service_id as "serviceId", a.user_id as "userId", a.wanted_version as version,
    a.applied_version as "appliedVersion", a.status, a.choice, a.remote_id as "remoteId", a.remote_name as "remoteName",
    a.applied_profile as "appliedProfile", a.applied_groups as "appliedGroups", a.due_reasons as "dueReasons",
    a.adopt, case when a.orphan then coalesce(s.orphans ->> 'unknown', 'report') end as orphan,
    a.notify_user as "notifyUser", a.failures, a.attention, a.verify, a.intent,
    coalesce(greatest(0, ceil(extract(epoch from a.intent_deadline - clock_timestamp()) * 1000)), 0)::integer as "intentWaitMs",
    case when a.next_try = 'infinity' then ${NEVER_MS} else least(${NEVER_MS},
      coalesce(greatest(0, ceil(extract(epoch from a.next_try - clock_timestamp()) * 1000)), 0))::integer end as "rowWaitMs",
    s.begins, s.on_loss as "onLoss", s.delete_after_days as "deleteAfterDays",
    a.disabled_at is not null as "graceBegan", a.delete_at is not null as "deletionPlanned", s.enabled as "serviceEnabled", coalesce(u.username, a.username) as username,
    case when u.id is not null then json_build_object('id', u.id, 'username', u.username, 'displayName', u.display_name,
      'email', u.email, 'active', u.active, 'attributes', u.attributes, 'state', coalesce(st.name, 'Guest'),
      'groups', (select coalesce(json_agg(g.name order by g.name), '[]') from members m join groups g on g.id = m.group_id
                 where m.user_id = u.id)) end as "user",
    coalesce((select key_id from shared_accounts k where k.service_id = a.service_id and k.lead_user_id = a.user_id), a.user_id) as "keyId",
    exists (select from account_sharers m where m.service_id = a.service_id and m.user_id = a.user_id) as shares,
    entitling_grant(a.service_id, a.user_id, es.id) as "grantId",
    coalesce(st.name = any(s.hook_states), false) as "hookState",
    desired_groups(a.service_id, a.user_id, es.id) as "desiredGroups",
    array(select n.name from account_names n where n.service_id = a.service_id and n.user_id = a.user_id and not n.taken) as "heldNames",
    exists (select from password_requests p where p.service_id = a.service_id and p.user_id = a.user_id
            and p.status = 'wanted') as "passwordWanted",
    (exists (select from guard_taken t where t.service_id = a.service_id and t.user_id = a.user_id and t.done_at is null)
      or exists (select from guard_holds h where h.service_id = a.service_id and h.user_id = a.user_id)
      or exists (select from guard_staged g where g.service_id = a.service_id and g.user_id = a.user_id and g.done_at is null
                 and g.decision is distinct from 'rejected')) as guarded
  from accounts a
  join services s on s.id = a.service_id
  left join users u on u.id = a.user_id
  -- Found out once: offset 0 keeps it from being put in each place that names it.
  cross join lateral (select effective_state(a.user_id) as id offset 0) es
  left join states st on st.id = es.id
  where a.service_id = $1 and a.user_id = any($2::uuid[])`);

/** Reads the situations of some accounts of one service. An account that does not exist is missing in the answer. */
export async function readSituations(
  db: Queryable,
  serviceId: string,
  userIds: readonly string[],
): Promise<readonly AccountSituation[]> {
  const rows = await db.query<AccountSituation & { [key: string]: unknown }>(SITUATIONS, [serviceId, userIds]);
  return rows.rows;
}
