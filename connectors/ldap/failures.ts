import { Conflict, Gone, Misconfigured, Rejected, Unavailable, failureOfTransport, isServiceError } from '@muster/sdk';
import type { AnyServiceError } from '@muster/sdk';
import { ResultCodeError } from 'ldapts';

/** RFC 4511 appendix A.2. */
export const RESULT = {
  noSuchAttribute: 16,
  typeOrValueExists: 20,
  noSuchObject: 32,
  invalidCredentials: 49,
  insufficientAccess: 50,
  objectClassViolation: 65,
  alreadyExists: 68,
} as const;

interface CodeRow {
  readonly codes: readonly number[];
  readonly Kind: typeof Conflict | typeof Misconfigured | typeof Rejected | typeof Unavailable | typeof Gone;
  readonly text: string;
}

const BY_CODE: readonly CodeRow[] = [
  { codes: [1, 2, 3, 51, 52, 80], Kind: Unavailable, text: 'the directory cannot do this now' },
  {
    codes: [4],
    Kind: Misconfigured,
    text: 'the directory shows Muster only a part: raise the size limit of its account',
  },
  { codes: [7, 8, 13, 48, 112], Kind: Misconfigured, text: 'the directory wants another way to log in or to encrypt' },
  { codes: [10], Kind: Misconfigured, text: 'the directory points to another server: give the one that takes writes' },
  { codes: [12], Kind: Misconfigured, text: 'the directory lacks a function that Muster needs' },
  { codes: [RESULT.invalidCredentials], Kind: Misconfigured, text: 'the directory refuses bindDn or bindPassword' },
  { codes: [RESULT.insufficientAccess], Kind: Misconfigured, text: "Muster's account lacks the right for this" },
  { codes: [RESULT.noSuchObject], Kind: Gone, text: 'it is not there any more' },
  { codes: [RESULT.alreadyExists], Kind: Conflict, text: 'the name is taken' },
  // Somebody else wrote between our reading and our writing: the next try reads again.
  {
    codes: [RESULT.noSuchAttribute, RESULT.typeOrValueExists],
    Kind: Unavailable,
    text: 'it was changed by somebody else meanwhile',
  },
];

/** The result code of the directory's answer; undefined when there was none. */
export function resultCode(error: unknown): number | undefined {
  return error instanceof ResultCodeError ? error.code : undefined;
}

/** Turns what an operation threw into a typed error. The directory's own text is not repeated: it quotes names. */
export function failureOfOperation(what: string, error: unknown, aborted: boolean): AnyServiceError {
  if (isServiceError(error)) return error;
  const code = resultCode(error);
  if (code === undefined) return failureOfTransport(`LDAP ${what}`, error, aborted);
  const row = BY_CODE.find(({ codes }) => codes.includes(code));
  const { Kind, text } = row ?? { Kind: Rejected, text: 'the directory refuses this' };
  return new Kind(`LDAP ${what}: ${text} (${code}).`, { cause: error, code: `ldap-${code}` });
}
