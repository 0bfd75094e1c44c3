import { escapeIdentifier } from 'pg';
import type { PoolClient } from 'pg';
import { Gone, Rejected } from '@muster/sdk';
import type { GroupRef, ManagedGroups, WriteOutcome } from '@muster/sdk';
import { errorCodeOf } from './failures';
import { parseComment, runAll } from './roles';
import type { Role } from './roles';

/** From this version on each grantor's membership is a row of its own (docs: 16 release notes, GRANT). */
const GRANTORS_SINCE = 160_000;

interface ManagedGroup {
  readonly oid: string;
  readonly name: string;
  readonly comment: string | null;
  /** Who granted the account's membership; empty = not a member. */
  readonly grantors: readonly string[];
  /** One of the grantors is not the user of the service configuration. */
  readonly foreignGrant: boolean;
  readonly serverVersion: number;
}

interface Wish {
  readonly account: Role;
  readonly owner: string;
  readonly groups: ManagedGroups;
}

/** Makes the account's memberships in the managed groups exactly the wanted ones. Throws Gone when a wanted group is absent. */
export async function writeMemberships(client: PoolClient, wish: Wish): Promise<WriteOutcome> {
  const found = await readGroups(client, wish);
  mustAllExist(wish.groups.wanted, found);
  const wanted = new Set(wish.groups.wanted.map((group) => group.remoteId));
  const statements = found.flatMap((group) => {
    if (wanted.has(group.oid)) return group.grantors.length > 0 ? [] : [grant(group, wish.account)];
    return group.grantors.map((grantor) =>
      revoke(group, wish.account, group.serverVersion >= GRANTORS_SINCE ? grantor : undefined),
    );
  });
  if (statements.length === 0) return 'unchanged';
  try {
    await runAll(client, statements);
  } catch (error) {
    throw grantedByAnother(error, found, wanted) ?? error;
  }
  return 'done';
}

/** Somebody else's grant is this account's trouble, not the service's: 42501 would pause everybody. */
function grantedByAnother(
  error: unknown,
  found: readonly ManagedGroup[],
  wanted: ReadonlySet<string>,
): Rejected | undefined {
  if (errorCodeOf(error) !== '42501') return undefined;
  const group = found.find(({ oid, foreignGrant }) => foreignGrant && !wanted.has(oid));
  if (group === undefined) return undefined;
  return new Rejected(
    `The membership in "${group.name}" was granted by another role, and only that role or a superuser can take it back.`,
    { cause: error, code: 'granted-by-another' },
  );
}

/**
 * In the order of the oids: since 16 a GRANT locks the group until the transaction ends, and two accounts whose groups
 * come in different orders deadlock (tried: 52 of 64 transactions on 18; none in one order).
 */
async function readGroups(client: PoolClient, wish: Wish): Promise<readonly ManagedGroup[]> {
  const ids = [...wish.groups.managed, ...wish.groups.wanted].map((group) => group.remoteId);
  const found = await client.query<ManagedGroup>(
    `select r.oid::text as oid, r.rolname as name, d.description as comment,
            current_setting('server_version_num')::int as "serverVersion",
            array(select pg_get_userbyid(m.grantor)::text from pg_auth_members m
                   where m.roleid = r.oid and m.member = $2::oid) as grantors,
            exists (select from pg_auth_members m where m.roleid = r.oid and m.member = $2::oid
                       and pg_get_userbyid(m.grantor) <> current_user) as "foreignGrant"
       from pg_roles r left join pg_shdescription d on d.objoid = r.oid and d.classoid = 'pg_authid'::regclass
      where r.oid = any($1::oid[]) order by r.oid`,
    [ids.filter((id) => /^\d{1,10}$/.test(id)), wish.account.oid],
  );
  // A role that does not carry our key is never granted or taken, whatever its oid.
  return found.rows.filter((group) => parseComment(group.comment ?? '')?.owner === wish.owner);
}

function mustAllExist(wanted: readonly GroupRef[], found: readonly ManagedGroup[]): void {
  const present = new Set(found.map((group) => group.oid));
  const absent = wanted.find((group) => !present.has(group.remoteId));
  if (absent !== undefined) {
    throw new Gone(`The group role "${absent.name}" is not there any more.`, {
      code: 'group-gone',
      what: 'group',
      remoteId: absent.remoteId,
    });
  }
}

function grant(group: ManagedGroup, account: Role): string {
  return `grant ${escapeIdentifier(group.name)} to ${escapeIdentifier(account.name)}`;
}

function revoke(group: ManagedGroup, account: Role, grantor: string | undefined): string {
  const by = grantor === undefined ? '' : ` granted by ${escapeIdentifier(grantor)}`;
  return `revoke ${escapeIdentifier(group.name)} from ${escapeIdentifier(account.name)}${by}`;
}
