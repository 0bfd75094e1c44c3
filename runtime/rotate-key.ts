import { credentialPurpose, typeSecretsId } from '../auth/external/context';
import { writePurpose } from '../auth/client-writes';
import { loginPurpose } from '../auth/mail/deliver';
import { required } from '../config/config';
import type { Config } from '../config/schema';
import type { Sealer } from '../config/sealer';
import { sealerOf } from '../config/secrets';
import { passwordPurpose, rotateServiceSecrets } from '../config/service-secrets';
import { openDatabase } from '../store/database';
import { resealAll } from '../store/rotate';
import type { Reseal, Resealed } from '../store/rotate';

/** Seals everything in the database with the newest of the configured keys. @throws ConfigError, SealError */
export async function rotateKey(config: Config): Promise<Resealed> {
  const sealer = sealerOf(config);
  const db = openDatabase({ url: required(config, 'databaseUrl'), max: 1, name: 'muster rotate-key' });
  try {
    return await resealAll(db, resealWith(sealer));
  } finally {
    await db.close();
  }
}

/** How each kind of sealed value is sealed anew. */
export function resealWith(sealer: Pick<Sealer, 'rotate'>): Reseal {
  return {
    service: (serviceId, sealed) => rotateServiceSecrets(sealer, serviceId, sealed),
    externalType: (type, sealed) => rotateServiceSecrets(sealer, typeSecretsId(type), sealed),
    external: (type, userId, sealed) => sealer.rotate(sealed, credentialPurpose(type, userId)),
    clientWrite: (writeId, sealed) => sealer.rotate(sealed, writePurpose(writeId)),
    mail: (mailId, sealed) => sealer.rotate(sealed, loginPurpose(mailId)),
    password: (serviceId, userId, sealed) => sealer.rotate(sealed, passwordPurpose(serviceId, userId)),
  };
}
