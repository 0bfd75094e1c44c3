import type { Logger } from 'pino';
import type { ExternalPlugins } from '../auth/external/plugins';
import type { Identity } from '../auth/identity';
import type { Sealer } from '../config/sealer';
import type { EngineService } from '../store/engine-services';
import type { WorkflowPort } from '../sdk/hook';
import type { Database } from '../store/database';
import type { ConnectorRegistry } from '../hooks/registry';
import type { Flow } from '../hooks/flow';

/** What handlers work with. Built once by main.ts (or a test) and given to every request. */
export interface ApiContext {
  readonly db: Database;
  readonly flow: Flow;
  readonly registry: ConnectorRegistry;
  readonly sealer: Sealer;
  /** Providers, clients, tokens. */
  readonly identity: Identity;
  /** Plug-ins for linked external accounts, by name. Their resources live in workers only. */
  readonly externalPlugins: ExternalPlugins;
  /** Is there a mail server? */
  readonly mailEnabled: boolean;
  /** Where browsers reach the API, without a slash at the end. */
  readonly publicUrl: string;
  readonly log: Logger;
  /** Where the Temporal web UI answers, for links; undefined = no links. */
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
  /** Does Temporal answer now? For /health/ready; never throws. */
  readonly temporalAnswers: () => Promise<boolean>;
  /** Prometheus pages (of workers) that /metrics shows as well. */
  readonly metricsSources: readonly string[];
  /** Aborted when the process is told to stop: waits end early, with what is known then. */
  readonly draining: AbortSignal;
  /** The way into the workflows for the hook of one service. */
  readonly portFor: (service: EngineService) => WorkflowPort;
}
