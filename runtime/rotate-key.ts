import { required } from '../config/config';
import type { Config } from '../config/schema';
import { sealerOf } from '../config/secrets';
import { passwordPurpose, rotateServiceSecrets } from '../config/service-secrets';
import { openDatabase } from '../store/database';
import { resealAll } from '../store/rotate';
import type { Resealed } from '../store/rotate';

/** Seals everything in the database with the newest of the configured keys. @throws ConfigError, SealError */
export async function rotateKey(config: Config): Promise<Resealed> {
  const sealer = sealerOf(config);
  const db = openDatabase({ url: required(config, 'databaseUrl'), max: 1, name: 'muster rotate-key' });
  try {
    return await resealAll(db, {
      service: (serviceId, sealed) => rotateServiceSecrets(sealer, serviceId, sealed),
      password: (serviceId, userId, sealed) => sealer.rotate(sealed, passwordPurpose(serviceId, userId)),
    });
  } finally {
    await db.close();
  }
}
