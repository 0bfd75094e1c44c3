import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Config } from './schema';

/** Wherever these keys stand, their values are not written: people's addresses and everything secret. */
const REDACTED = ['password', 'secret', 'token', 'authorization', 'cookie', 'email', 'displayName', 'connectionString'];

/** The log of a process: JSON lines on standard output, with the same keys everywhere (service, user, operation, workflow). */
export function createLog(config: Pick<Config, 'logLevel'>, name: 'api' | 'worker'): Logger {
  return pino({
    name,
    level: config.logLevel,
    redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    serializers: { err: pino.stdSerializers.err },
  });
}
