import { Gone, Misconfigured, Rejected, Throttled, parseRetryAfter } from '@muster/sdk';
import type { AnyServiceError, HttpAnswer } from '@muster/sdk';
import { Failure } from './schema';

/** docs.discord.com, "Opcodes and Status Codes", "JSON". */
export const UNKNOWN_ROLE = 10011;
const UNKNOWN_GUILD = 10004;
const UNKNOWN_MEMBER = 10007;
const UNKNOWN_USER = 10013;
const MAX_GUILDS = 30001;
const MAX_ROLES = 30005;
const MISSING_ACCESS = 50001;
const MISSING_PERMISSIONS = 50013;
const INVALID_OAUTH_TOKEN = 50025;

/** How long to stay away when Discord's front refuses us without saying until when: its window is ten minutes. */
const BAN_MS = 10 * 60 * 1000;

type Build = (message: string, options: { readonly code: string }) => AnyServiceError;

const rejected: Build = (message, options) => new Rejected(message, options);
const misconfigured: Build = (message, options) => new Misconfigured(message, options);

/** Discord's own codes, by what must happen next. Its texts are not repeated. */
const BY_CODE: Readonly<Record<number, readonly [build: Build, text: string]>> = {
  [UNKNOWN_GUILD]: [misconfigured, 'the bot is not in the server of the configuration'],
  [UNKNOWN_MEMBER]: [(message, options) => new Gone(message, { ...options, what: 'account' }), 'they are not a member'],
  [UNKNOWN_USER]: [(message, options) => new Gone(message, { ...options, what: 'account' }), 'there is no such user'],
  [UNKNOWN_ROLE]: [(message, options) => new Gone(message, { ...options, what: 'group' }), 'a role is not there'],
  [MAX_GUILDS]: [rejected, 'this person is in as many servers as Discord allows'],
  [MAX_ROLES]: [rejected, 'the server has as many roles as Discord allows (250)'],
  [MISSING_ACCESS]: [misconfigured, 'the bot has no access to this; the connection test says what it lacks'],
  // One member or role above the bot's own: everybody else can go on. A right that is missing for all is found by the test.
  [MISSING_PERMISSIONS]: [rejected, 'the bot may not change this member or role; its own role must be above'],
  [INVALID_OAUTH_TOKEN]: [rejected, 'the linked Discord account no longer lets us add this person; link it again'],
};

/** Turns an answer that is no success into a typed error; undefined = its status says enough. */
export function translate({ what, status, headers, body }: HttpAnswer): AnyServiceError | undefined {
  if (status === 429 && typeof body !== 'object') {
    // No JSON: this is not the API but what stands before it, and it has banned our address.
    const retryAfterMs = parseRetryAfter({ header: (name) => headers.get(name), nowMs: Date.now() }) ?? BAN_MS;
    return new Throttled(`${what}: Discord refuses everything from our address for a while.`, {
      retryAfterMs,
      scope: 'service',
      code: 'banned',
    });
  }
  if (status === 429) return undefined;
  const code = Failure.safeParse(body).data?.code ?? 0;
  const [build, text] = BY_CODE[code] ?? [];
  return build?.(`${what}: ${text} (${status}, ${code}).`, { code: `discord-${code}` });
}
