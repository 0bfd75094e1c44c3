import { oneRow } from './database';
import type { Queryable } from './database';

/** Input of a call that a worker makes for the API; neither it nor the answer enters a workflow's history. */
export async function createCall(db: Queryable, callId: string, input: unknown): Promise<void> {
  await db.query(`insert into manager_calls (id, input) values ($1, $2)`, [callId, JSON.stringify(input)]);
}

export async function readCallInput(db: Queryable, callId: string): Promise<unknown> {
  const found = await db.query<{ input: unknown }>(`select input from manager_calls where id = $1`, [callId]);
  return oneRow(found).input;
}

export async function answerCall(db: Queryable, callId: string, answer: unknown): Promise<void> {
  await db.query(`update manager_calls set answer = $2 where id = $1`, [callId, JSON.stringify(answer)]);
}

/** The answer, once: the row goes with it. */
export async function takeCallAnswer(db: Queryable, callId: string): Promise<unknown> {
  const taken = await db.query<{ answer: unknown }>(`delete from manager_calls where id = $1 returning answer`, [callId]);
  return oneRow(taken).answer;
}
