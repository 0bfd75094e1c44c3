/** 0 = ok, 1 = failed, 2 = wrong usage, 3 = Muster is not reachable. Scripts may rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that the user reads: what happened, and what to do. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';

  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failed,
    /** Lines below the message, e.g. each wrong value. */
    readonly details: readonly string[] = [],
    /** The problem document, for `--json`. */
    readonly problem?: unknown,
  ) {
    super(message);
  }
}
