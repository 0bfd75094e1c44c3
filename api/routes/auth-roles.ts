import { z } from 'zod';
import { requireGrantable } from '../../auth/client-rights';
import { BUILT_IN_ROLES, builtIn } from '../../auth/roles';
import { deleteRole, listRoles, putRole, readRoles } from '../../store/auth-roles';
import { accessList, roleName } from '../auth-views';
import { oneLine } from '../fields';
import { Problem } from '../problem';
import { route } from '../route';
import type { Role } from '../../auth/roles';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const tags = ['roles'];

const roleSchema = z
  .object({ name: z.string(), title: z.string(), acl: z.array(z.string()), builtIn: z.boolean() })
  .meta({ id: 'Role', description: 'a named set of access entries' });

function showRole({ name, title, acl }: Role): z.input<typeof roleSchema> {
  return { name, title, acl: [...acl], builtIn: builtIn(name) !== undefined };
}

const list = route({
  method: 'get',
  path: '/v1/auth/roles',
  acl: 'auth.roles.read',
  summary: 'Lists all roles',
  tags,
  responses: { 200: { description: 'The built-in ones first', schema: z.object({ items: z.array(roleSchema) }) } },
  async handler({ context }) {
    const items = [...BUILT_IN_ROLES, ...(await listRoles(context.db))].map(showRole);
    return { status: 200, body: { items } };
  },
});

const put = route({
  method: 'put',
  path: '/v1/auth/roles/{role}',
  acl: 'auth.roles.{role}.update',
  problems: ['not-grantable', 'conflict'],
  summary: 'Defines a role; what it says counts at once for everybody who has it',
  description: 'The caller must hold all that the role holds, before and after.',
  tags,
  params: { role: roleName },
  body: z.strictObject({ title: oneLine(200).optional(), acl: accessList }),
  responses: { 200: { description: 'The role', schema: roleSchema } },
  async handler({ params: { role: name }, body, principal, context }) {
    requireOwn(name);
    const [before] = await readRoles(context.db, [name]);
    requireGrantable(principal, before?.acl ?? []);
    requireGrantable(principal, body.acl);
    return { status: 200, body: showRole(await putRole(context.db, { name, title: body.title ?? '', acl: body.acl })) };
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/auth/roles/{role}',
  acl: 'auth.roles.{role}.delete',
  problems: ['not-grantable', 'conflict'],
  summary: 'Removes a role from everywhere',
  tags,
  params: { role: roleName },
  responses: { 204: { description: 'There is no such role any more' } },
  async handler({ params: { role: name }, principal, context }) {
    requireOwn(name);
    const [before] = await readRoles(context.db, [name]);
    if (before === undefined) throw new Problem('not-found', `There is no role ${name}.`);
    requireGrantable(principal, before.acl);
    await requireNoDenials(before);
    await deleteRole(context.db, name);
    return { status: 204 };
  },
});

function requireOwn(name: string): void {
  if (builtIn(name) !== undefined) throw new Problem('conflict', `The role ${name} is built in and cannot be altered.`);
}

/** Without such a role its holders could do more than with it. */
async function requireNoDenials({ name, acl }: Role): Promise<void> {
  if (!acl.some((entry) => entry.startsWith('!'))) return;
  throw new Problem('conflict', `The role ${name} takes rights away: define it without its denials first.`);
}

const providerSchema = z
  .object({
    name: z.string(),
    kind: z.string(),
    title: z.string(),
    initialized: z.boolean(),
    offers: z.array(z.string()).meta({ description: 'what it implements; everything else answers 501' }),
  })
  .meta({ id: 'AuthenticationProvider' });

const providers = route({
  method: 'get',
  path: '/v1/auth/providers',
  acl: 'auth.providers.read',
  summary: 'Lists the authentication providers in the order in which they are asked',
  tags: ['authentication'],
  responses: {
    200: {
      description: 'Those that are served, and those that are not',
      schema: z.object({
        items: z.array(providerSchema),
        skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
      }),
    },
  },
  async handler({ context }) {
    return { status: 200, body: await providersView(context) };
  },
});

async function providersView({ identity }: ApiContext) {
  const { providers: registry } = identity;
  const items = await Promise.all(
    registry.providers.map(async (one) => {
      const { name, kind, title, offers } = one;
      return { name, kind, title, initialized: await registry.isReady(one), offers: [...offers] };
    }),
  );
  return { items, skipped: registry.skipped.map(({ name, reason }) => ({ name, reason })) };
}

export const authRoleRoutes: readonly Route[] = [list, put, remove, providers];
