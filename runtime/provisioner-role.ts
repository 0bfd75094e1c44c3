import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { ensureSecretFile } from '../config/secret-file';
import { newPassword } from '../config/new-password';

/** The role that Muster works as on the sample's external server: it may make roles, and is no superuser. */
export const PROVISIONER = 'muster_provisioner';

/** Makes sure that the role is there with the password of this file; answers the password. */
export async function ensureProvisioner(superuserUrl: string, passwordFile: string): Promise<string> {
  const password = ensureSecretFile(passwordFile, newPassword);
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const known = await client.query(`select from pg_roles where rolname = $1`, [PROVISIONER]);
    const role = escapeIdentifier(PROVISIONER);
    if (known.rowCount === 0) await client.query(`create role ${role} login createrole`);
    // On this machine's loopback and in a log that is off: the one statement of ours that carries a password.
    await client.query(`set log_statement = 'none'`);
    await client.query(`alter role ${role} password ${escapeLiteral(password)}`);
    await client.query(`grant pg_signal_backend to ${role}`);
  } finally {
    await client.end();
  }
  return password;
}
