import { packSealedSecrets, sealedServiceSecrets, sealServiceSecrets } from '../config/service-secrets';
import { Problem } from './problem';
import type { Sealer } from '../config/sealer';
import type { Connector } from '../sdk/index';
import type { ErrorItem } from '../store/errors';

/** How a secret is shown, and how a caller says that it stays. */
const SEALED = { sealed: true } as const;

/** Stands for a secret that stays as it is while the rest is checked: only workers open secrets. */
const STAND_IN = 'sealed';

export interface StoredConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealedConfig: Buffer | null;
}

export interface ConfigChange {
  readonly connector: Pick<Connector, 'kind' | 'config'> & { readonly secrets?: readonly string[] | undefined };
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly serviceId: string;
  /** Keys as they should be; null takes a key away; a key that is not named stays. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Absent for a new service. */
  readonly before?: StoredConfig;
}

/**
 * The configuration after a change, checked by the connector, with its secrets sealed. What is stored is what was given, not
 * what the connector makes of it, so that new defaults of a connector reach old services.
 * @throws Problem not-acceptable-value with pointers below /config; it never holds a value
 */
export function changeConfig(change: ConfigChange): StoredConfig {
  const parts = partsAfter(change);
  check(change, parts);
  return { config: Object.fromEntries(parts.plain), sealedConfig: sealedAfter(change, parts) };
}

interface Parts {
  readonly plain: Map<string, unknown>;
  /** New secrets, in plain text. */
  readonly secrets: Map<string, unknown>;
  /** Secrets that stay, sealed. */
  readonly kept: Map<string, string>;
}

function partsAfter(change: ConfigChange): Parts {
  const isSecret = (key: string): boolean => (change.connector.secrets ?? []).some((secret) => secret === key);
  const plain = new Map(Object.entries(change.before?.config ?? {}));
  const kept = new Map(Object.entries(sealedBefore(change)));
  const secrets = new Map<string, unknown>();
  for (const [key, value] of Object.entries(change.given)) {
    if (isSecret(key) && isSealedMark(value)) {
      if (!kept.has(key)) refuse(change, [{ pointer: `/config/${key}`, detail: 'there is no secret that could stay' }]);
      continue;
    }
    plain.delete(key);
    kept.delete(key);
    if (value !== null) (isSecret(key) ? secrets : plain).set(key, value);
  }
  return { plain, secrets, kept };
}

function sealedBefore(change: ConfigChange): Readonly<Record<string, string>> {
  return sealedServiceSecrets(change.before?.sealedConfig ?? null);
}

function sealedAfter(change: ConfigChange, { secrets, kept }: Parts): Buffer | null {
  if (secrets.size === 0 && kept.size === 0) return null;
  const isUntouched = secrets.size === 0 && kept.size === Object.keys(sealedBefore(change)).length;
  // The very same bytes where no secret was altered: nothing is due then.
  if (isUntouched) return change.before?.sealedConfig ?? null;
  const added = sealedServiceSecrets(sealServiceSecrets(change.sealer, change.serviceId, Object.fromEntries(secrets)));
  return packSealedSecrets({ ...Object.fromEntries(kept), ...added });
}

/** The configuration as it is shown: secrets as `{"sealed": true}`. */
export function shownConfig(stored: StoredConfig): Readonly<Record<string, unknown>> {
  const secrets = Object.keys(sealedServiceSecrets(stored.sealedConfig));
  return { ...stored.config, ...Object.fromEntries(secrets.map((key) => [key, SEALED])) };
}

function isSealedMark(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    'sealed' in value &&
    value.sealed === true
  );
}

function check(change: ConfigChange, { plain, secrets, kept }: Parts): void {
  const standIns = [...kept.keys()].map((key): [string, unknown] => [key, STAND_IN]);
  const parsed = change.connector.config.safeParse(Object.fromEntries([...plain, ...secrets, ...standIns]));
  if (parsed.success) return;
  // What is said about a stand-in says nothing about the secret, which was checked when it came.
  const issues = parsed.error.issues.filter((issue) => !kept.has(String(issue.path[0])));
  const errors = issues.flatMap((issue): readonly ErrorItem[] => {
    const pointer = ['/config', ...issue.path.map(String)].join('/');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ pointer: `${pointer}/${key.slice(0, 100)}`, detail: 'is not known here' }));
    return [{ pointer, detail: issue.message }];
  });
  if (errors.length > 0) refuse(change, errors);
}

function refuse(change: ConfigChange, errors: readonly ErrorItem[]): never {
  throw new Problem('not-acceptable-value', `The configuration does not fit the connector ${change.connector.kind}.`, {
    errors,
  });
}
