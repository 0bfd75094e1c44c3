import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { Queryable } from '../../store/database';

/** Text that was found somewhere, and where. */
export interface Place {
  readonly where: string;
  readonly text: string;
}

/** What must not be found, by a name that may be shown. */
export type Canaries = Readonly<Record<string, string>>;

/** `canary in place` for every canary in every place, as it is or in the usual wrappings. */
export function leaksIn(places: readonly Place[], canaries: Canaries): readonly string[] {
  const needles = Object.entries(canaries).flatMap(([name, canary]) =>
    wrappings(canary).map((needle) => ({ name, needle })),
  );
  const found = places.flatMap(({ where, text }) => {
    const lower = text.toLowerCase();
    return needles
      .filter(({ needle }) => lower.includes(needle.toLowerCase()))
      .map(({ name }) => `${name} in ${where}`);
  });
  return [...new Set(found)].sort();
}

/** Base64 depends on what stands before: the middle of all three alignments is looked for. */
function wrappings(canary: string): readonly string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('x'.repeat(shift) + canary).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
  return [canary, encodeURIComponent(canary), Buffer.from(canary).toString('hex'), ...base64];
}

/** Every history of the namespace, with every payload as text, and what the list of workflows shows. */
export async function histories(engine: {
  readonly temporalAddress: string;
  readonly namespace: string;
}): Promise<readonly Place[]> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    const client = new Client({ connection, namespace: engine.namespace });
    const places: Place[] = [];
    for await (const listed of client.workflow.list()) {
      const { workflowId, runId } = listed;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const shown = textOf({ raw: listed.raw, history }).join('\n');
      places.push({ where: `history of ${listed.type}`, text: shown });
    }
    return places;
  } finally {
    await connection.close();
  }
}

/** Every string and every run of bytes in a value, however deep. */
function textOf(value: unknown, seen = new Set<unknown>()): readonly string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([key, entry]) => [key, ...textOf(entry, seen)]);
}

/** Every column of every table that can hold text, one place for each column. */
export async function databaseDump(db: Queryable): Promise<readonly Place[]> {
  const columns = await db.query<{ table: string; column: string; type: string }>(
    `select c.table_name as "table", c.column_name as "column", c.data_type as type
     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')
       and c.table_schema = 'public' order by 1, 2`,
  );
  const places: Place[] = [];
  for (const { table, column, type } of columns.rows) {
    const text = type === 'bytea' ? `encode("${column}", 'hex')` : `"${column}"::text`;
    const rows = await db.query<{ text: string | null }>(`select ${text} as text from "${table}"`);
    places.push({ where: `${table}.${column}`, text: rows.rows.map((row) => row.text ?? '').join('\n') });
  }
  return places;
}

/** The command lines of all processes of this machine. */
export async function processList(): Promise<readonly Place[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'args'], { maxBuffer: 16 * 1024 * 1024 });
  return [{ where: 'the process list', text: stdout }];
}
