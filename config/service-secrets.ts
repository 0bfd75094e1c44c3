import type { Sealer } from './sealer';

/** Sealed secrets by their key in the configuration: each by itself, so that one is replaced without opening the others. */
export type SealedSecrets = Readonly<Record<string, string>>;

/** Secrets of a service's configuration, sealed one by one and bound to the service and their key. */
export function sealServiceSecrets(
  sealer: Pick<Sealer, 'seal'>,
  serviceId: string,
  secrets: Readonly<Record<string, unknown>>,
): Buffer {
  return packSealedSecrets(
    Object.fromEntries(
      Object.entries(secrets).map(([key, value]) => [
        key,
        sealer.seal(JSON.stringify(value), servicePurpose(serviceId, key)).toString('base64'),
      ]),
    ),
  );
}

/** The sealed secrets by key, still sealed: which there are may be shown. */
export function sealedServiceSecrets(sealedConfig: Buffer | null): SealedSecrets {
  return sealedConfig === null ? {} : (JSON.parse(sealedConfig.toString('utf8')) as SealedSecrets);
}

/** Sealed secrets as they are kept in the database. */
export function packSealedSecrets(sealed: SealedSecrets): Buffer {
  return Buffer.from(JSON.stringify(sealed));
}

/** The secrets again; only workers call this. */
export function openServiceSecrets(
  sealer: Pick<Sealer, 'open'>,
  service: { readonly id: string; readonly sealedConfig: Buffer | null },
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(sealedServiceSecrets(service.sealedConfig)).map(([key, sealed]): [string, unknown] => [
      key,
      JSON.parse(sealer.open(Buffer.from(sealed, 'base64'), servicePurpose(service.id, key))),
    ]),
  );
}

/** All secrets of a service sealed with the newest key; undefined when they are. @throws SealError when a key is missing */
export function rotateServiceSecrets(
  sealer: Pick<Sealer, 'rotate'>,
  serviceId: string,
  sealedConfig: Buffer,
): Buffer | undefined {
  const standing = sealedServiceSecrets(sealedConfig);
  const rotated = Object.entries(standing).flatMap(([key, sealed]): [string, string][] => {
    const anew = sealer.rotate(Buffer.from(sealed, 'base64'), servicePurpose(serviceId, key));
    return anew === undefined ? [] : [[key, anew.toString('base64')]];
  });
  return rotated.length === 0 ? undefined : packSealedSecrets({ ...standing, ...Object.fromEntries(rotated) });
}

function servicePurpose(serviceId: string, key: string): string {
  return `service:${serviceId}:${key}`;
}

/** What a password of an account is sealed for: it opens for no other account. */
export function passwordPurpose(serviceId: string, userId: string): string {
  return `password:${serviceId}:${userId}`;
}
