import { Misconfigured } from '../sdk/index';
import type { Connector, LinkedCredential, Manager } from '../sdk/index';
import { managerAbilities } from '../sdk/index';
import type { ManagerMethod } from '../domain/words';
import type { Sealer } from '../config/sealer';
import type { ConnectorRegistry } from '../hooks/registry';
import type { EngineService } from '../store/engine-services';
import { openServiceSecrets } from '../config/service-secrets';
import type { Budgets } from './budgets';
import type { ServiceBudget } from './service-budget';
import { Slots } from './slots';

/** Calls that may run at the same time on one service when nothing says otherwise. */
const DEFAULT_CONCURRENCY = 8;

/** A service's manager with its slots, built for one version of its configuration. */
export interface ManagerEntry {
  readonly connector: Connector;
  readonly manager: Manager;
  readonly abilities: ReadonlySet<ManagerMethod>;
  readonly slots: Slots;
  /** Keeps the service's limits over all processes; undefined where nothing shares them (tests of one part). */
  readonly budget: ServiceBudget | undefined;
  /** Accounts elsewhere that people have linked; undefined where nobody can link any. */
  readonly linked: LinkedLookup | undefined;
  readonly configVersion: number;
}

/** A person's linked account with a token that is good now. */
export type LinkedLookup = (
  key: { readonly userId: string; readonly type: string },
  signal: AbortSignal,
) => Promise<LinkedCredential | undefined>;

/** What managers share beside their configuration. */
export interface ManagerShare {
  readonly budgets?: Budgets;
  readonly linked?: LinkedLookup;
}

/**
 * The managers of this worker process: one per service, built when first needed, built anew when the configuration has
 * changed. Credentials are unsealed here and nowhere else.
 */
export class ManagerPool {
  readonly #entries = new Map<string, ManagerEntry>();

  constructor(
    private readonly registry: Pick<ConnectorRegistry, 'get'>,
    private readonly sealer: Sealer,
    private readonly share: ManagerShare = {},
  ) {}

  /** The entry of a service. Throws Misconfigured when its connector is not loaded or its configuration does not fit. */
  get(service: EngineService): ManagerEntry {
    const known = this.#entries.get(service.id);
    if (known !== undefined && known.configVersion === service.configVersion) return known;
    const entry = this.#build(service);
    this.#entries.set(service.id, entry);
    if (known !== undefined) void closeQuietly(known.manager);
    return entry;
  }

  /** Closes every manager; for the end of the process. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map((entry) => closeQuietly(entry.manager)));
  }

  #build(service: EngineService): ManagerEntry {
    const connector = this.registry.get(service.connector);
    if (connector === undefined)
      throw new Misconfigured(`the connector ${service.connector} is not loaded`, { code: 'connector-missing' });
    if (connector.manager === undefined)
      throw new Misconfigured(`the connector ${service.connector} has no manager`, { code: 'no-manager' });
    const parsed = connector.config.safeParse({ ...service.config, ...openServiceSecrets(this.sealer, service) });
    if (!parsed.success) {
      const places = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      throw new Misconfigured(`the configuration does not fit the connector: ${places}`, { code: 'config-invalid' });
    }
    const size = service.maxConcurrency ?? connector.maxConcurrency ?? DEFAULT_CONCURRENCY;
    const slots = new Slots(size);
    // One at a time is meant of the service, not of each process: it is serial over all of them.
    const budget = size === 1 ? { concurrency: 1, ...service.budget } : service.budget;
    return {
      connector,
      manager: new connector.manager(parsed.data),
      abilities: new Set(managerAbilities(connector.manager)),
      slots,
      budget: this.share.budgets?.of({ id: service.id, budget }, slots),
      linked: this.share.linked,
      configVersion: service.configVersion,
    };
  }
}

/** A manager that does not close cleanly is of no use to anybody: its sockets die with it. */
async function closeQuietly(manager: Manager): Promise<void> {
  await manager.close?.().catch(() => undefined);
}
