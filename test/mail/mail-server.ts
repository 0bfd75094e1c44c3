import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export const MAIL_LOGIN = { user: 'muster', password: 'the-password-of-the-mail-server' } as const;

/** A mail that has arrived. */
export interface ArrivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came over the wire. */
  readonly raw: string;
  /** Value of a header line. */
  header(name: string): string | undefined;
  /** The plain text, decoded. */
  readonly text: string;
}

/** What the server answers instead of taking a mail. */
export type Refusal = { readonly status: 421 | 450 | 550; readonly after?: 'the mail was taken' };

/** A real SMTP server on this machine, with log-in. */
export interface MailServer {
  readonly url: string;
  readonly mails: ArrivedMail[];
  /** Refuses the next mails as this says; undefined: takes them again. */
  refuse(refusal: Refusal | undefined): void;
  close(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const mails: ArrivedMail[] = [];
  let refusal: Refusal | undefined;
  const server = new SMTPServer({
    authOptional: false,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth: ({ username, password }, _session, callback) =>
      username === MAIL_LOGIN.user && password === MAIL_LOGIN.password
        ? callback(null, { user: username })
        : callback(new Error('no')),
    onRcptTo: (_address, _session, callback) =>
      refusal === undefined || refusal.after !== undefined ? callback() : callback(refused(refusal)),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        mails.push(arrived(Buffer.concat(chunks).toString(), { from, to: rcptTo.map(({ address }) => address) }));
        callback(refusal?.after === undefined ? undefined : refused(refusal));
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.server.address() as AddressInfo;
  const { user, password } = MAIL_LOGIN;
  return {
    url: `smtp://${user}:${password}@127.0.0.1:${port}`,
    mails,
    refuse: (next) => {
      refusal = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function refused({ status }: Refusal): Error {
  return Object.assign(new Error('not now'), { responseCode: status });
}

function arrived(raw: string, envelope: { readonly from: string; readonly to: readonly string[] }): ArrivedMail {
  const unfolded = raw.replace(/\r\n[ \t]+/g, ' ');
  return {
    ...envelope,
    raw,
    header: (name) => new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1]?.trim(),
    text: textOf(raw),
  };
}

/** The part text/plain, whether it is quoted-printable or as it is. */
function textOf(raw: string): string {
  const part = /Content-Type: text\/plain[^\r]*\r\n(?:[\w-]+:[^\r]*\r\n)*\r\n([\s\S]*?)\r\n--/.exec(raw)?.[1] ?? '';
  const isQuoted = /Content-Transfer-Encoding: quoted-printable/i.test(raw);
  return isQuoted
    ? Buffer.from(
        part
          .replace(/=\r\n/g, '')
          .replace(/=([\dA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        'latin1',
      ).toString('utf8')
    : part;
}
