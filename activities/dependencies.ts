import type { Logger } from 'pino';
import type { Sealer } from '../config/sealer';
import type { ConnectorRegistry } from '../hooks/registry';
import type { AccountWrites } from '../store/account-writes';
import type { Database } from '../store/database';
import type { ManagerPool } from './managers';
import type { Failpoint } from '../config/failpoint';

/** What activities work with; made once per worker process. */
export interface ActivityDependencies {
  readonly db: Database;
  readonly writes: AccountWrites;
  readonly registry: ConnectorRegistry;
  readonly managers: ManagerPool;
  readonly sealer: Sealer;
  readonly log: Logger;
  /** Identifies this installation at the far side, so that two Musters never adopt each other's accounts. */
  readonly installId: string;
  /** Hard end of one call to an external system. */
  readonly callTimeoutMs: number;
  readonly failpoint: Failpoint;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
}
