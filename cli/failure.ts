/** 0 = ok, 1 = failed, 2 = wrong usage, 3 = Muster is not reachable. Scripts may rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface FailureFacts {
  /** Default 1 = failed. */
  readonly exitCode?: ExitCode;
  /** Lines below the message: each wrong value, and what to do. */
  readonly details?: readonly string[];
  /** The problem document of the API, for `--json`. */
  readonly problem?: unknown;
}

/** A failure that the user reads: what happened, and what to do. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: ExitCode;
  readonly details: readonly string[];
  readonly problem: unknown;

  constructor(message: string, facts: FailureFacts = {}) {
    super(message);
    this.exitCode = facts.exitCode ?? EXIT.failed;
    this.details = facts.details ?? [];
    this.problem = facts.problem;
  }
}

/** Wrong usage: exit code 2. */
export function usageFailure(message: string, details: readonly string[] = []): CliFailure {
  return new CliFailure(message, { exitCode: EXIT.usage, details });
}
