import { uuidv7 } from 'uuidv7';
import { oneRow } from './database';
import type { Queryable } from './database';

/** This installation's id, made at the first start: it marks our accounts at the far side. */
export async function ensureInstallId(db: Queryable): Promise<string> {
  await db.query(`insert into settings (key, value) values ('install_id', to_jsonb($1::text)) on conflict do nothing`, [
    uuidv7(),
  ]);
  const found = await db.query<{ id: string }>(`select value #>> '{}' as id from settings where key = 'install_id'`);
  return oneRow(found).id;
}
