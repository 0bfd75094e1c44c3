import type { Response } from 'express';

/** A refusal in the words of wazo-auth 0.1: clients look at the status, and some at the first reason. */
export class WireError extends Error {
  override readonly name = 'WireError';

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(reason);
  }
}

/** The one that clients compare letter by letter, to find that a token has ended. */
export const NO_SUCH_TOKEN = 'No such token';

export function sendWireError(response: Response, { status, reason, headers }: WireError): void {
  response
    .status(status)
    .set({ 'Cache-Control': 'no-store', ...headers })
    .json({ reason: [reason], timestamp: [Date.now() / 1_000], status_code: status });
}

/** wazo's times: local ones without a zone, and the same in UTC. Muster's clock is UTC, so both are the same. */
export function wireTime(date: Date): string {
  return date.toISOString().replace('Z', '');
}
