import { StoreError } from './errors';

/** What a violated constraint of the organisation's tables means to the caller. */
const TAKEN: Readonly<Record<string, { readonly pointer: string; readonly message: string }>> = {
  users_username: { pointer: '/username', message: 'Another person has this username.' },
  users_external_id_key: { pointer: '/externalId', message: 'Another person has this externalId.' },
  groups_name: { pointer: '/name', message: 'Another group has this name.' },
  states_name: { pointer: '/name', message: 'Another state has this name.' },
  states_priority_key: { pointer: '/priority', message: 'Another state has this priority.' },
  auth_clients_name: { pointer: '/username', message: 'Another client has this name.' },
  auth_clients_provider_provider_id_key: { pointer: '/username', message: 'This client exists already.' },
  services_name_key: { pointer: '/name', message: 'Another service has this name.' },
};

const MISSING: Readonly<Record<string, string>> = {
  members_user_id_fkey: 'One of these users does not exist any more.',
  members_group_id_fkey: 'This group does not exist any more.',
  grants_service_id_fkey: 'This service does not exist any more.',
  grants_user_id_fkey: 'This user does not exist any more.',
  grants_group_id_fkey: 'This group does not exist any more.',
  grants_state_id_fkey: 'This state does not exist any more.',
  state_groups_group_id_fkey: 'One of these groups does not exist any more.',
  state_groups_state_id_fkey: 'This state does not exist any more.',
  external_accounts_user_id_fkey: 'This user does not exist any more.',
  external_accounts_type_fkey: 'This type of external account is not configured any more.',
  external_authorizations_user_id_fkey: 'This user does not exist any more.',
  external_authorizations_type_fkey: 'This type of external account is not configured any more.',
  auth_clients_user_id_fkey: 'This user does not exist any more.',
  users_source_state_id_fkey: 'This state does not exist any more.',
};

/** Runs a write; a name that is taken or a row that went away meanwhile becomes a StoreError. Everything else passes. */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

/** True for a failure that the same transaction, repeated, can survive: a deadlock, or a row or name that came or went meanwhile. */
export function isRaceLost(error: unknown): boolean {
  const { code } = constraintOf(error);
  return code === '40P01' || code === '40001' || code === '23505' || code === '23503';
}

function refusalOf(error: unknown): StoreError | undefined {
  const { code, constraint } = constraintOf(error);
  const taken = code === '23505' ? TAKEN[constraint] : undefined;
  if (taken !== undefined) {
    return new StoreError('already-exists', taken.message, {
      errors: [{ pointer: taken.pointer, detail: 'is taken' }],
      cause: error,
    });
  }
  const missing = code === '23503' ? MISSING[constraint] : undefined;
  return missing === undefined ? undefined : new StoreError('not-found', missing, { cause: error });
}

function constraintOf(error: unknown): { readonly code: string; readonly constraint: string } {
  if (typeof error !== 'object' || error === null) return { code: '', constraint: '' };
  const { code, constraint } = error as { readonly code?: unknown; readonly constraint?: unknown };
  return { code: typeof code === 'string' ? code : '', constraint: typeof constraint === 'string' ? constraint : '' };
}
