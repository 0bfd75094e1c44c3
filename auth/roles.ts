/** A named set of access entries. */
export interface Role {
  readonly name: string;
  readonly title: string;
  readonly acl: readonly string[];
}

/** The role of everybody who is linked to a person: their own accounts, and nothing of anybody else's. */
export const PERSON = 'person';
/** The role that may do everything. */
export const ADMINISTRATOR = 'admin';

/** What everybody has: to see and alter their own client and its tokens. */
const CLIENT = 'client';

/** Roles that every installation has. They are code, so that a new version's routes are in them. */
export const BUILT_IN_ROLES: readonly Role[] = [
  { name: ADMINISTRATOR, title: 'May do everything', acl: ['#'] },
  {
    name: 'operator',
    title: 'Runs the provisioning; makes nobody an administrator',
    acl: ['provisioning.#', 'organisation.#', 'self.#', 'system.#', 'auth.providers.read', 'auth.roles.read'],
  },
  {
    name: 'auditor',
    title: 'Sees everything but secrets, alters nothing',
    acl: ['#.read', '!auth.users.#'],
  },
  { name: CLIENT, title: 'Ones own client and tokens; everybody has it', acl: ['auth.self.#'] },
  {
    name: PERSON,
    title: 'Ones own accounts',
    acl: [
      'self.me.#',
      'self.menu.read',
      'provisioning.services.*.accounts.me.*',
      'organisation.users.me.read',
      'auth.users.me.external.#',
    ],
  },
];

export interface Entitled {
  readonly roles: readonly string[];
  readonly acl: readonly string[];
  /** Has a person: the role of persons comes with it. */
  readonly isPerson: boolean;
  /** Access lists of the roles that this installation defined. */
  readonly roleAcls: Readonly<Record<string, readonly string[]>>;
}

/** Everything that a client's roles and own entries say. A role that does not exist gives nothing. */
export function effectiveAcl({ roles, acl, isPerson, roleAcls }: Entitled): readonly string[] {
  const names = new Set([...roles, CLIENT, ...(isPerson ? [PERSON] : [])]);
  const ofRoles = [...names].flatMap((name) => builtIn(name)?.acl ?? roleAcls[name] ?? []);
  return [...ofRoles, ...acl];
}

/** A built-in role, by its name. */
export function builtIn(name: string): Role | undefined {
  return BUILT_IN_ROLES.find((role) => role.name === name);
}
