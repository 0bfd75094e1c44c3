import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';

/** Which certificates of the far side are accepted, and what we show it. All PEM. */
export interface TlsOptions {
  /** The authorities that are trusted, instead of those that Node knows. */
  readonly ca?: string | undefined;
  /** Our certificate with its chain, where the far side asks for one. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the certificate must carry, where it is not the host's. */
  readonly serverName?: string | undefined;
  /** Default false. true = anybody in between can read and change everything. */
  readonly acceptAnyCertificate?: boolean | undefined;
}

/** The keys of a connector's configuration that say all this; `tlsKey` belongs into `secrets`. */
export const tlsFields = {
  tlsCa: pem('CERTIFICATE')
    .optional()
    .describe('PEM of the authorities that are trusted, instead of those that Node knows.'),
  tlsCertificate: pem('CERTIFICATE')
    .optional()
    .describe("PEM of Muster's own certificate, where the far side asks for one."),
  tlsKey: pem('PRIVATE KEY').optional().describe('PEM of the key of that certificate.'),
  tlsServerName: z
    .string()
    .min(1)
    .optional()
    .describe("The name that the certificate must carry, where it is not the host's."),
  tlsAcceptAnyCertificate: z
    .boolean()
    .optional()
    .describe('Default false. true = anybody in between can read and change everything.'),
};

/** The values of `tlsFields`, as `HttpClient` and `tlsSettings` take them. */
export function tlsOf(config: z.output<z.ZodObject<typeof tlsFields>>): TlsOptions {
  return {
    ca: config.tlsCa,
    certificate: config.tlsCertificate,
    key: config.tlsKey,
    serverName: config.tlsServerName,
    acceptAnyCertificate: config.tlsAcceptAnyCertificate,
  };
}

/** As `node:tls` wants it, for managers with a client of their own. */
export function tlsSettings(
  options: TlsOptions,
): Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'> {
  const { ca, certificate, key, serverName, acceptAnyCertificate } = options;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: acceptAnyCertificate !== true,
  };
}

function pem(what: string): z.ZodString {
  return z.string().regex(new RegExp(`-----BEGIN [A-Z ]*${what}-----`), { error: `must be PEM (BEGIN ... ${what})` });
}
