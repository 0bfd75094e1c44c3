import type { Logger } from 'pino';
import type { Config } from '../../config/schema';
import type { Sealer } from '../../config/sealer';
import type { Database } from '../../store/database';
import type { MailDesk } from './deliver';
import { loadTemplates } from './templates';
import { smtpTransport } from './transport';

export interface MailSetup {
  readonly config: Pick<Config, 'mail' | 'auth'>;
  readonly db: Database;
  readonly sealer: Pick<Sealer, 'open'>;
  readonly log: Logger;
  readonly publicUrl: string;
}

/** Hard end of each step of a conversation with the mail server. */
const TIMEOUT_MS = 20_000;

/** What sends mails by this configuration. @throws Error when a template's file is not right */
export function mailDesk({ config, db, sealer, log, publicUrl }: MailSetup): MailDesk {
  const { smtpUrl: url, from, operators, templates } = config.mail;
  const { tokenLifeS, maxSessions, selfRegistration } = config.auth;
  const transport =
    url === undefined || from === undefined ? undefined : smtpTransport({ url, from, timeoutMs: TIMEOUT_MS });
  return {
    db,
    log,
    sealer,
    identity: { db, settings: { tokenLifeS, maxSessions, selfRegistration } },
    transport,
    templates: loadTemplates(templates),
    publicUrl,
    operators,
    random: Math.random,
  };
}
