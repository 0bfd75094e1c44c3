import { join } from 'node:path';
import { createSealer, generateKey } from './sealer';
import { ensureSecretFile } from './secret-file';
import type { Config } from './schema';
import type { Sealer } from './sealer';

/**
 * The sealer of this installation: keys from the configuration, else from `<home>/secret-key` (0600), made at the first
 * start. To rotate, put a new key before the old one, and run the rotation; then remove the old.
 */
export function sealerOf(config: Pick<Config, 'secretKey' | 'home'>): Sealer {
  return createSealer(config.secretKey ?? ensureSecretFile(join(config.home, 'secret-key'), generateKey));
}
