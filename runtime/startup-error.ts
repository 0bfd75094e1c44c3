/** What kept a server from starting; each message is one sentence that says what to do. */
export type StartupErrorCode =
  | 'PORT_TAKEN'
  | 'NO_WRITE_PERMISSION'
  | 'UNSUPPORTED_PLATFORM'
  | 'SERVER_FAILED'
  | 'DOWNLOAD_FAILED'
  | 'CHECKSUM_MISMATCH'
  | 'ALREADY_RUNNING';

/** A start that failed for a reason a person can act on: print the message, not the stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';

  constructor(
    readonly code: StartupErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, ...), or '' where there is none. */
export function systemErrorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** A file system error as one sentence about the folder; errors of other kinds come back unchanged. */
export function asWriteError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const reason = code === 'EROFS' ? 'the file system is read-only' : 'the permission is missing';
    return new StartupError('NO_WRITE_PERMISSION', `Muster cannot write to ${path}: ${reason}.`, { cause: error });
  }
  if (code === 'ENOSPC') {
    return new StartupError('NO_WRITE_PERMISSION', `Muster cannot write to ${path}: the disk is full.`, {
      cause: error,
    });
  }
  return error;
}

/** What an error says, for a line that a person reads. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
