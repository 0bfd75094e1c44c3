import { openDatabase } from '../store/database';
import { migrate } from '../store/migrate';
import { ensureBuiltInStates } from '../store/states';

/** Brings a database to the newest schema, with what every installation has. Several may do it at once. */
export async function prepareDatabase(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  const db = openDatabase({ url: databaseUrl, max: 1, name: 'muster migrate' });
  try {
    await ensureBuiltInStates(db);
  } finally {
    await db.close();
  }
}
