import type { Pool } from 'pg';

/** One role of a person, as the target's own catalog shows it. Shares no code with the connector. */
export interface Witnessed {
  /** The person whose key the role carries. */
  readonly userId: string;
  readonly name: string;
  readonly login: boolean;
  readonly groups: readonly string[];
}

/** Every login role that carries the key of this service, by name. Names come without the prefixes of the service. */
export async function readWitness(
  admin: Pick<Pool, 'query'>,
  place: { readonly serviceId: string; readonly prefix: string; readonly groupPrefix: string },
): Promise<readonly Witnessed[]> {
  const found = await admin.query<Witnessed>(
    `select split_part(d.description, ':user:', 2) as "userId", substr(r.rolname, length($2) + 1) as name, r.rolcanlogin as login,
       array(select substr(g.rolname, length($3) + 1) from pg_auth_members m join pg_roles g on g.oid = m.roleid
         where m.member = r.oid order by 1) as groups
     from pg_roles r join pg_shdescription d on d.objoid = r.oid and d.classoid = 'pg_authid'::regclass
     where d.description like 'muster:%:' || $1 || ':user:%'
     order by r.rolname`,
    [place.serviceId, place.prefix, place.groupPrefix],
  );
  return found.rows;
}
