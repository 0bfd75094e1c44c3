import { z } from 'zod';
import type { Pair } from './systems';

/** What a system has written down of itself: names of accounts, and who is in which group. */
interface Dump {
  readonly accounts: readonly string[];
  readonly members: readonly Pair[];
}

const Resource = z.looseObject({
  id: z.string(),
  userName: z.string().optional(),
  displayName: z.string().optional(),
  members: z.array(z.looseObject({ value: z.string() })).optional(),
});

/** The file of `scim2-server --dump-resources`. */
export function resourcesIn(text: string): Dump {
  const all = resourcesOf(JSON.parse(text));
  const names = new Map(all.flatMap(({ id, userName }) => (userName === undefined ? [] : [[id, userName] as const])));
  const groups = all.filter(({ userName }) => userName === undefined);
  return {
    accounts: [...names.values()],
    members: groups.flatMap(({ displayName = '', members = [] }) =>
      members.map(({ value }): Pair => [names.get(value) ?? `unknown ${value}`, displayName]),
    ),
  };
}

/** Every object with an id and a schema, however deep it lies: the file groups them by tenant and type. */
function resourcesOf(value: unknown): readonly z.infer<typeof Resource>[] {
  if (Array.isArray(value)) return value.flatMap(resourcesOf);
  if (typeof value !== 'object' || value === null) return [];
  const resource = 'schemas' in value ? Resource.safeParse(value) : undefined;
  return resource?.success === true ? [resource.data] : Object.values(value).flatMap(resourcesOf);
}

/** The tables of users and of shared roster groups in what `ejabberdctl dump` writes, which is Erlang terms. */
export function membersInDump(text: string): Dump {
  const terms = text.replaceAll(/\s+/g, '');
  const labels = new Map(
    [...terms.matchAll(/\{sr_group,\{<<"([^"]*)">>,<<"[^"]*">>\},\[(.*?)\]\}\./g)].map(
      ([, id = '', options = '']) => [id, /\{(?:label|name),<<"([^"]*)">>\}/.exec(options)?.[1] ?? id] as const,
    ),
  );
  return {
    accounts: [...terms.matchAll(/\{passwd,\{<<"([^"]*)">>,/g)].map(([, name = '']) => name),
    members: [...terms.matchAll(/\{sr_user,\{<<"([^"]*)">>,<<"[^"]*">>\},\{<<"([^"]*)">>,/g)].map(
      ([, name = '', id = '']): Pair => [name, labels.get(id) ?? `unknown ${id}`],
    ),
  };
}

const Definitions = z.looseObject({
  users: z.array(z.looseObject({ name: z.string() })),
  permissions: z.array(z.looseObject({ user: z.string(), vhost: z.string() })),
});

/** What `rabbitmqctl export_definitions` prints. */
export function permissionsIn(text: string): Dump {
  const { users, permissions } = Definitions.parse(JSON.parse(text));
  return {
    accounts: users.map(({ name }) => name),
    members: permissions.map(({ user, vhost }): Pair => [user, vhost]),
  };
}
