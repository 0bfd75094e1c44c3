import type { Sealer } from './sealer';

/** Secrets of a service's configuration, sealed as one JSON text and bound to the service. */
export function sealServiceSecrets(sealer: Sealer, serviceId: string, secrets: Readonly<Record<string, unknown>>): Buffer {
  return sealer.seal(JSON.stringify(secrets), servicePurpose(serviceId));
}

/** The secrets again; only workers call this. */
export function openServiceSecrets(
  sealer: Sealer,
  service: { readonly id: string; readonly sealedConfig: Buffer | null },
): Readonly<Record<string, unknown>> {
  if (service.sealedConfig === null) return {};
  return JSON.parse(sealer.open(service.sealedConfig, servicePurpose(service.id))) as Record<string, unknown>;
}

function servicePurpose(serviceId: string): string {
  return `service:${serviceId}`;
}

/** What a password of an account is sealed for: it opens for no other account. */
export function passwordPurpose(serviceId: string, userId: string): string {
  return `password:${serviceId}:${userId}`;
}
