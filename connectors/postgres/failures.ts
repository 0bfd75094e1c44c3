import { Conflict, Gone, Misconfigured, Rejected, Unavailable, isServiceError } from '@muster/sdk';
import type { AnyServiceError } from '@muster/sdk';

type Build = (message: string, options: { readonly cause: unknown; readonly code: string }) => AnyServiceError;

const misconfigured: Build = (message, options) => new Misconfigured(message, options);
const unavailable: Build = (message, options) => new Unavailable(message, options);
const rejected: Build = (message, options) => new Rejected(message, options);
const conflict: Build = (message, options) => new Conflict(message, options);
const gone: Build = (message, options) => new Gone(message, options);

/**
 * SQLSTATE, or the beginning of one; the first row that fits wins (docs: Appendix A, PostgreSQL Error Codes).
 * The server's own text is not repeated: it quotes names, and a name may be an e-mail address. It stays in `cause`.
 */
const BY_STATE: readonly (readonly [state: string, build: Build, message: string])[] = [
  ['28', misconfigured, 'The server refuses the user or the password of the service configuration.'],
  ['3D000', misconfigured, 'The database of the service configuration does not exist.'],
  ['42501', misconfigured, 'The user of the service configuration lacks a right; the connection test names it.'],
  ['25006', misconfigured, 'The server is read-only, probably a standby; roles can only be changed on the primary.'],
  ['42710', conflict, 'A role with this name exists already and is not ours.'],
  // Two sessions created the same name at the same moment: the second one meets the index instead of the check.
  ['23505', conflict, 'A role with this name was made by somebody else at this moment.'],
  ['42704', gone, 'A role of this call is not there any more.'],
  ['2BP01', rejected, 'Other objects depend on the role.'],
  ['42939', rejected, 'The server keeps this name for itself.'],
  ['0LP01', rejected, 'The server refuses the membership: it would be circular, or was granted by another role.'],
  ['22', rejected, 'The server refuses a value of this call.'],
  ['08', unavailable, 'The connection to the server broke.'],
  ['57014', unavailable, 'The server cancelled the statement because of its time limit.'],
  ['57P', unavailable, 'The server is shutting down, starting or recovering.'],
  ['53', unavailable, 'The server is out of connections, memory or disk space.'],
  ['40', unavailable, 'The server rolled the transaction back because of another one.'],
  ['55', unavailable, 'Another session holds what this call needs.'],
  // "tuple concurrently updated": somebody outside Muster altered the same role at the same moment.
  ['XX000', unavailable, 'Another session changed the same role at the same moment.'],
];

const NETWORK = /^(ECONN|EHOST|ENET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_)/;
const CONNECTION_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|The server does not support SSL)/;
const TLS_CODE = /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** Turns what `pg` throws into a typed error; undefined = not recognised. */
export function translatePostgresError(error: unknown): AnyServiceError | undefined {
  if (isServiceError(error)) return error;
  // Not `instanceof Error`: an error of Node's network code may come from another realm (a worker, a test sandbox).
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  const code = errorCodeOf(error) ?? '';
  const row = code.length === 5 ? BY_STATE.find(([state]) => code.startsWith(state)) : undefined;
  if (row !== undefined) return row[1](`${row[2]} (SQLSTATE ${code})`, { cause: error, code: `sqlstate-${code}` });
  if (TLS_CODE.test(code)) {
    return new Misconfigured(`The server's certificate is not accepted (${code}).`, { cause: error, code: 'tls' });
  }
  // Thrown by `pg` itself in the middle of the exchange, e.g. when the server cannot prove that it knows the password.
  if (String(error.message).startsWith('SASL: ')) {
    return new Misconfigured('The log-in failed in its SASL exchange.', { cause: error, code: 'sasl' });
  }
  if (NETWORK.test(code))
    return new Unavailable(`The server cannot be reached (${code}).`, { cause: error, code: 'network' });
  if (CONNECTION_TEXT.test(String(error.message))) {
    return new Unavailable('The connection to the server broke or could not be made.', {
      cause: error,
      code: 'network',
    });
  }
  return undefined;
}

/** The code that `pg` or Node put on an error: a SQLSTATE or e.g. ECONNREFUSED. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
