import type { Logger } from 'pino';
import { backoffMs } from '../../domain/backoff';
import type { Sealer } from '../../config/sealer';
import type { Database } from '../../store/database';
import {
  addressOfClient,
  clientOfLogin,
  recordMail,
  takeMail,
  wantsNotificationMails,
  wasSentLately,
} from '../../store/mails';
import type { MailOutcome, MailRecord } from '../../store/mails';
import { readNotification } from '../../store/notifications';
import { readUser } from '../../store/users';
import type { Identity } from '../identity';
import { PASSWORD_LINK_S, passwordLink } from '../password-links';
import { compose } from './templates';
import type { Templates, Words } from './templates';
import { MailError } from './transport';
import type { MailTransport } from './transport';

/** What sending works with; made once per worker process. */
export interface MailDesk {
  readonly db: Database;
  readonly log: Logger;
  readonly sealer: Pick<Sealer, 'open'>;
  /** For links; only a part of the whole. */
  readonly identity: Pick<Identity, 'db' | 'settings'>;
  /** undefined: no mail server is configured, and nothing is sent. */
  readonly transport: MailTransport | undefined;
  readonly templates: Templates;
  readonly publicUrl: string;
  /** Addresses of the operators, for what is told to them. */
  readonly operators: readonly string[];
  readonly random: () => number;
}

/** Beyond the time that the transport takes at most. */
const HOLD_MS = 90_000;
/** One mail for a password in this time, however often somebody asks. */
const RESET_PAUSE_MS = 5 * 60_000;
/** Where a browser sets a password with the token of a link. */
export const PASSWORD_PAGE = '/password';

/** What somebody typed is sealed for its mail. */
export function loginPurpose(mailId: string): string {
  return `mail:${mailId}`;
}

interface Letter {
  readonly to: string | readonly string[];
  readonly words: Words;
}

/** Nobody is to get this mail, and why. */
class Dropped extends Error {}

/**
 * Sends one mail, if it is due. The row owns the retry. A mail whose outcome is not known is sent again, under the same
 * Message-ID and with a link of its own; using one link ends the others.
 */
export async function deliverMail(desk: MailDesk, id: string): Promise<void> {
  const mail = await takeMail(desk.db, id, HOLD_MS);
  if (mail === undefined) return;
  const clientId = mail.clientId ?? (await clientBehind(desk, mail));
  const outcome = await attempt(desk, mail, clientId);
  if (outcome.status !== 'sent')
    desk.log.info({
      event: 'mail.not-sent',
      mail: id,
      kind: mail.kind,
      status: outcome.status,
      reason: outcome.reason,
    });
  await recordMail(desk.db, { id, clientId }, outcome);
}

async function attempt(desk: MailDesk, mail: MailRecord, clientId: string | undefined): Promise<MailOutcome> {
  const { transport, templates, publicUrl, random } = desk;
  if (mail.expired) return { status: 'failed', reason: 'it could not be sent in time' };
  if (transport === undefined) return { status: 'dropped', reason: 'no mail server is configured' };
  try {
    const { to, words } = await letterOf(desk, mail, clientId);
    const messageId = `<${mail.id}@${new URL(publicUrl).hostname}>`;
    await transport.send({ to, messageId, ...compose(templates[mail.kind], { publicUrl, ...words }) });
    return { status: 'sent' };
  } catch (error) {
    if (error instanceof Dropped) return { status: 'dropped', reason: error.message };
    if (!(error instanceof MailError)) throw error;
    if (error.final) return { status: 'failed', reason: error.message };
    return { status: 'due', reason: error.message, inMs: backoffMs(mail.attempts, random()) };
  }
}

/** Found at sending: the request answered the same, and took the same time, for names that nobody has. */
async function clientBehind({ db, sealer }: MailDesk, mail: MailRecord): Promise<string | undefined> {
  if (mail.sealedLogin === null) return undefined;
  return clientOfLogin(db, sealer.open(mail.sealedLogin, loginPurpose(mail.id)));
}

function letterOf(desk: MailDesk, mail: MailRecord, clientId: string | undefined): Promise<Letter> {
  if (mail.kind === 'notification') return notificationLetter(desk, mail.notificationId ?? '');
  return passwordLetter(desk, mail.kind, clientId);
}

async function passwordLetter(
  desk: MailDesk,
  kind: 'password-reset' | 'invitation',
  clientId: string | undefined,
): Promise<Letter> {
  const { db, identity, publicUrl } = desk;
  const address = clientId === undefined ? undefined : await addressOfClient(db, clientId);
  if (clientId === undefined || address === undefined) throw new Dropped('nobody can log in by this name');
  if (address.email === null) throw new Dropped('there is no address to send it to');
  if (kind === 'password-reset' && (await wasSentLately(db, { clientId, kind, withinMs: RESET_PAUSE_MS })))
    throw new Dropped('one was sent within the last five minutes');
  const purpose = kind === 'invitation' ? 'invitation' : 'reset';
  const link = await passwordLink(identity, address.name, purpose);
  if (link === undefined) throw new Dropped('nobody can log in by this name');
  const words = {
    name: address.name,
    displayName: address.displayName,
    validFor: `${PASSWORD_LINK_S[purpose] / 3_600} hours`,
    // In the fragment the token reaches no server's log.
    link: `${publicUrl}${PASSWORD_PAGE}#token=${link.token}`,
  };
  return { to: address.email, words };
}

async function notificationLetter({ db, operators }: MailDesk, id: string): Promise<Letter> {
  const { userId, title, text } = await readNotification(db, id);
  if (userId === null) {
    if (operators.length === 0) throw new Dropped('operators have no address');
    return { to: operators, words: { title, text, displayName: 'operators' } };
  }
  const user = await readUser(db, userId);
  if (user?.active !== true || user.email === null) throw new Dropped('the person has no address');
  if (!(await wantsNotificationMails(db, userId))) throw new Dropped('the person wants no notifications by mail');
  return { to: user.email, words: { title, text, displayName: user.displayName } };
}
