/** Who calls the API, and what they may do. The identity system (a later issue) makes richer ones; routes only see this. */
export interface Principal {
  /** Written to changes and operations: `client:admin`, `user:<id>`. */
  readonly actor: string;
  /** The person behind the call, when there is one. */
  readonly userId: string | undefined;
  /** May this principal do what the permission names, e.g. `provisioning.services.mail.accounts.create`? */
  may(permission: string): boolean;
}

/** The holder of the admin token: may do everything. */
export const ADMIN: Principal = { actor: 'client:admin', userId: undefined, may: () => true };
