import { createTransport } from 'nodemailer';

/** A mail, ready to be sent. */
export interface OutgoingMail {
  readonly to: string | readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same on every try, so that a mailbox can tell a repetition. */
  readonly messageId: string;
}

/** Why a mail did not go. `final`: the server will not take it, ever. Never holds an address or a text of the server. */
export class MailError extends Error {
  override readonly name = 'MailError';

  constructor(
    readonly final: boolean,
    message: string,
    options: { readonly cause: unknown },
  ) {
    super(message, options);
  }
}

/** Sends mails by one SMTP server. */
export interface MailTransport {
  /** @throws MailError */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
}

export interface TransportOptions {
  /** `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://…`. */
  readonly url: string;
  /** `Muster <muster@example.org>`. */
  readonly from: string;
  readonly timeoutMs: number;
}

/** Connects when first needed; connections are kept for some mails. */
export function smtpTransport({ url, from, timeoutMs }: TransportOptions): MailTransport {
  const transport = createTransport(
    {
      url,
      pool: true,
      maxConnections: 3,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Templates name no files and no addresses on the network, and must not be made to.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from },
  );
  return {
    send: async ({ to, ...mail }) => {
      try {
        await transport.sendMail({ ...mail, to: typeof to === 'string' ? to : [...to] });
      } catch (error) {
        throw translated(error);
      }
    },
    close: () => transport.close(),
  };
}

/** 5xx is final (RFC 5321, 4.2.1), except where it speaks of us: log-in and sender. */
function translated(error: unknown): MailError {
  const status = field(error, 'responseCode');
  const command = field(error, 'command');
  const isAboutMail = typeof command === 'string' && /^(RCPT TO|DATA)/.test(command);
  const isFinal = isAboutMail && typeof status === 'number' && status >= 500;
  const what = typeof status === 'number' ? `answered ${status}` : 'could not be reached';
  return new MailError(isFinal, `the mail server ${what}`, { cause: error });
}

function field(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>)[name] : undefined;
}
