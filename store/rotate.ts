import type { Database, Queryable } from './database';
import { attempt } from './reseal-attempt';
import type { Meeting, Met } from './reseal-attempt';
import { resealRows } from './rotate-rows';

/** Seals a value with the newest key; undefined when it already is. Throws when no key opens it. */
export interface Reseal {
  service(serviceId: string, sealedConfig: Buffer): Buffer | undefined;
  password(serviceId: string, userId: string, sealed: Buffer): Buffer | undefined;
  /** The configuration of a type of external accounts. */
  externalType(type: string, sealedConfig: Buffer): Buffer | undefined;
  /** A linked account's credential, also while it is revoked. */
  external(type: string, userId: string, sealed: Buffer): Buffer | undefined;
  /** What a write at a provider carries. */
  clientWrite(writeId: string, sealed: Buffer): Buffer | undefined;
  /** What somebody typed who has forgotten their password. */
  mail(mailId: string, sealed: Buffer): Buffer | undefined;
}

/** What a rotation met. */
export interface Resealed {
  /** Sealed anew. */
  readonly resealed: number;
  /** Were sealed with the newest key already. */
  readonly current: number;
  /** What no key opens, by name: left as it is. */
  readonly unreadable: readonly string[];
}

/**
 * Seals everything that is kept (credentials, and what waits to be done with a secret) with the newest key. Every row is locked by
 * itself, so it may run beside everything else; running it again does no harm.
 */
export async function resealAll(db: Database, reseal: Reseal): Promise<Resealed> {
  const met: Meeting[] = [];
  for (const { id, name } of await servicesWithSecrets(db))
    met.push({ name: `service ${name}`, met: await db.transaction((client) => resealService(client, id, reseal)) });
  for (const { id } of await openPasswords(db))
    met.push({ name: `operation ${id}`, met: await db.transaction((client) => resealPassword(client, id, reseal)) });
  met.push(...(await resealRows(db, reseal)));
  const count = (wanted: Met): number => met.filter((item) => item.met === wanted).length;
  return {
    resealed: count('resealed'),
    current: count('current'),
    unreadable: met.filter((item) => item.met === 'unreadable').map((item) => item.name),
  };
}

async function servicesWithSecrets(db: Queryable): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const found = await db.query<{ id: string; name: string }>(
    `select id, name from services where sealed_config is not null order by name`,
  );
  return found.rows;
}

async function openPasswords(db: Queryable): Promise<readonly { readonly id: string }[]> {
  const found = await db.query<{ id: string }>(
    `select operation_id as id from password_requests where sealed is not null order by created_at`,
  );
  return found.rows;
}

async function resealService(client: Queryable, id: string, reseal: Reseal): Promise<Met> {
  const locked = await client.query<{ sealed: Buffer | null }>(
    `select sealed_config as sealed from services where id = $1 for no key update`,
    [id],
  );
  const sealed = locked.rows[0]?.sealed;
  if (sealed === null || sealed === undefined) return 'gone';
  const anew = attempt(() => reseal.service(id, sealed));
  if (anew.met !== 'resealed') return anew.met;
  // The secrets are the same: workers need not build their manager anew, so the version of the configuration stays.
  await client.query(`update services set sealed_config = $2 where id = $1`, [id, anew.sealed]);
  return 'resealed';
}

interface PasswordRow {
  readonly service_id: string;
  readonly user_id: string;
  readonly sealed: Buffer | null;
}

async function resealPassword(client: Queryable, operationId: string, reseal: Reseal): Promise<Met> {
  const locked = await client.query<PasswordRow & { [key: string]: unknown }>(
    `select service_id, user_id, sealed from password_requests where operation_id = $1 for no key update`,
    [operationId],
  );
  const row = locked.rows[0];
  if (row === undefined || row.sealed === null) return 'gone';
  const { service_id: serviceId, user_id: userId, sealed } = row;
  const anew = attempt(() => reseal.password(serviceId, userId, sealed));
  if (anew.met !== 'resealed') return anew.met;
  await client.query(`update password_requests set sealed = $2 where operation_id = $1`, [operationId, anew.sealed]);
  return 'resealed';
}
