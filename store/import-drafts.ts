import { uuidv7 } from 'uuidv7';
import type { RosterMode } from '../domain/roster';
import type { Queryable } from './database';
import type { RosterDifference } from './import-plan';

/** A roster that waits for somebody to say that it is meant. */
export interface ImportDraft {
  readonly id: string;
  readonly mode: RosterMode;
  readonly format: string;
  readonly allowEmpty: boolean;
  readonly actor: string;
  readonly bytes: number;
  /** What it would have altered when it was sent. */
  readonly difference: RosterDifference;
  readonly createdAt: Date;
  /** It is gone then. */
  readonly expiresAt: Date;
}

/** How long a draft is kept. */
const KEPT = `interval '1 day'`;
/** Bytes of one row. */
const CHUNK_BYTES = 1_048_576;

/** Begins a draft; until `finishDraft` nobody sees it. Older ones whose time is over go. */
export async function beginDraft(
  db: Queryable,
  draft: Pick<ImportDraft, 'mode' | 'format' | 'allowEmpty' | 'actor'>,
): Promise<string> {
  const id = uuidv7();
  await db.query(`delete from import_drafts where created_at < clock_timestamp() - ${KEPT}`);
  await db.query(`insert into import_drafts (id, mode, format, allow_empty, actor) values ($1, $2, $3, $4, $5)`, [
    id,
    draft.mode,
    draft.format,
    draft.allowEmpty,
    draft.actor,
  ]);
  return id;
}

/** Passes the bytes on as they arrive, and keeps them. */
export async function* keepBytes(
  db: Queryable,
  draftId: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let open: Uint8Array[] = [];
  let size = 0;
  let seq = 0;
  const flush = async (): Promise<void> => {
    if (size === 0) return;
    seq += 1;
    await db.query(`insert into import_draft_chunks (draft_id, seq, bytes) values ($1, $2, $3)`, [
      draftId,
      seq,
      Buffer.concat(open),
    ]);
    await db.query(`update import_drafts set bytes = bytes + $2 where id = $1`, [draftId, size]);
    open = [];
    size = 0;
  };
  for await (const chunk of chunks) {
    open.push(chunk);
    size += chunk.length;
    if (size >= CHUNK_BYTES) await flush();
    yield chunk;
  }
  await flush();
}

/** The bytes of a draft in their order; one row in memory at a time. */
export async function* draftBytes(db: Queryable, draftId: string): AsyncGenerator<Uint8Array> {
  for (let seq = 1; ; seq += 1) {
    const found = await db.query<{ bytes: Buffer }>(
      `select bytes from import_draft_chunks where draft_id = $1 and seq = $2`,
      [draftId, seq],
    );
    const row = found.rows[0];
    if (row === undefined) return;
    yield row.bytes;
  }
}

/** It was good: this is what it would alter. */
export async function finishDraft(db: Queryable, draftId: string, difference: RosterDifference): Promise<void> {
  await db.query(`update import_drafts set difference = $2 where id = $1`, [draftId, difference]);
}

/** Takes a draft away, with its bytes. True if there was one. */
export async function dropDraft(db: Queryable, draftId: string): Promise<boolean> {
  const dropped = await db.query(`delete from import_drafts where id = $1`, [draftId]);
  return dropped.rowCount === 1;
}

/** A draft that can be applied; undefined = there is none, or its time is over. */
export async function readDraft(db: Queryable, draftId: string): Promise<ImportDraft | undefined> {
  const found = await db.query<ImportDraft & { [key: string]: unknown }>(
    `select id, mode, format, allow_empty as "allowEmpty", actor, bytes, difference, created_at as "createdAt",
       created_at + ${KEPT} as "expiresAt"
     from import_drafts where id = $1 and difference is not null and created_at > clock_timestamp() - ${KEPT}`,
    [draftId],
  );
  return found.rows[0];
}
