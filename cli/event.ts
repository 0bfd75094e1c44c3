import { safe } from './output';

/** One step of an account's or an operation's history. */
export interface EventView {
  readonly at: string;
  readonly step: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a step did or why it failed, on one line: `done: create, set groups`. What is not known here is shown as JSON. */
export function eventText({ step, data }: EventView): string {
  // The version is for machines: --json shows it.
  const { did, error, version: _version, ...rest } = data;
  const done = Array.isArray(did) && did.length > 0 ? [did.join(', ')] : [];
  const more = Object.keys(rest).length === 0 ? [] : [JSON.stringify(rest)];
  return safe([step, ...done, ...errorText(error), ...more].join(': '));
}

function errorText(error: unknown): readonly string[] {
  if (error === undefined || error === null) return [];
  const { kind, message } = error as { readonly kind?: string; readonly message?: string };
  return message === undefined ? [JSON.stringify(error)] : [`${message} (${kind ?? 'error'})`];
}
