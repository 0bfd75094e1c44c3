import type { Sealer } from '../config/sealer';
import { oneRow } from './database';
import type { Queryable } from './database';

/** What a call is about: input and answer may hold what nobody else may read, so both are sealed while they wait. */
export interface CallBox {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly callId: string;
}

/** Stores the input of a call that a worker makes for the API; neither it nor the answer enters a workflow's history. */
export async function createCall(box: CallBox, input: unknown): Promise<void> {
  await box.db.query(`insert into manager_calls (id, input) values ($1, $2)`, [box.callId, seal(box, input)]);
}

export async function readCallInput(box: CallBox): Promise<unknown> {
  const found = await box.db.query<{ input: Buffer }>(`select input from manager_calls where id = $1`, [box.callId]);
  return open(box, oneRow(found).input);
}

export async function answerCall(box: CallBox, answer: unknown): Promise<void> {
  await box.db.query(`update manager_calls set answer = $2 where id = $1`, [box.callId, seal(box, answer)]);
}

/** The answer, once: the row goes with it. undefined = nobody answered. */
export async function takeCallAnswer(box: CallBox): Promise<unknown> {
  const taken = await box.db.query<{ answer: Buffer | null }>(
    `delete from manager_calls where id = $1 returning answer`,
    [box.callId],
  );
  const { answer } = oneRow(taken);
  return answer === null ? undefined : open(box, answer);
}

function seal({ sealer, callId }: CallBox, value: unknown): Buffer {
  return sealer.seal(JSON.stringify(value ?? null), `call:${callId}`);
}

function open({ sealer, callId }: CallBox, sealed: Buffer): unknown {
  return JSON.parse(sealer.open(sealed, `call:${callId}`)) as unknown;
}
