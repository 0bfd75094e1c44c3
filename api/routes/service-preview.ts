import { z } from 'zod';
import { compareMappings } from '../../domain/mapping-change';
import { candidateName, chooseFormat, formatName } from '../../domain/names';
import { hookFor, INERT_PORT } from '../../hooks/service-hooks';
import { guardRoom } from '../../store/guard';
import { mappingSources, movedPeople } from '../../store/mapping-preview';
import { namedPeople } from '../../store/named-people';
import { readService } from '../../store/services';
import { serviceName, uuid } from '../fields';
import { resolveService } from '../references';
import { route } from '../route';
import { checkFormats, serviceFields } from '../service-views';
import type { CleanRules, NameInput } from '../../domain/names';
import type { MappingRules } from '../../domain/mapping';
import type { NamedPerson } from '../../store/named-people';
import type { ServiceRecord } from '../../store/services';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const count = z.number().int();
const person = z.object({ id: uuid, username: z.string() });

/** Changes of groups and states that are listed. */
const MOST_SOURCES = 200;
/** People whose names are worked out, and how many of them are shown. */
const EXAMINED = 2_000;
const EXAMPLES = 20;

const mappingSchema = z
  .object({
    changes: count.meta({ description: 'groups and states that would lead elsewhere' }),
    sources: z
      .array(
        z.object({
          kind: z.enum(['group', 'state']),
          name: z.string(),
          before: z.array(z.string()),
          after: z.array(z.string()),
          isRename: z.boolean().meta({ description: 'only the name at the service changes; nobody is moved' }),
        }),
      )
      .meta({ description: `the first ${MOST_SOURCES}` }),
    people: count.meta({ description: 'people with an account whose memberships would change' }),
    gained: count,
    lost: count,
    guardLeft: count.meta({ description: 'memberships that the guard would let go now; more are staged, all of them' }),
    examples: z.array(z.object({ user: person, gains: z.array(z.string()), loses: z.array(z.string()) })),
  })
  .meta({ id: 'MappingPreview' });

const nameSchema = z.object({
  user: person,
  state: z.string(),
  remoteName: z.string().nullable().meta({ description: 'what the account is called now' }),
  before: z.string().meta({ description: 'by the formats that stand; empty: none can be made' }),
  after: z.string(),
  nicknameBefore: z.string(),
  nicknameAfter: z.string(),
});

const namesSchema = z
  .object({
    examined: count.meta({ description: `accounts that were looked at, at most ${EXAMINED}` }),
    changed: count,
    impossible: count.meta({ description: 'of which no name can be made' }),
    examples: z.array(nameSchema).meta({ description: 'those that change first' }),
  })
  .meta({ id: 'NamePreview', description: 'a namesake gets the next free name; that is not foreseen here' });

const { mapping, nameFormat, nameFormats, nicknameFormat } = serviceFields;
const body = z.strictObject({ mapping, nameFormat, nameFormats, nicknameFormat });
type Wanted = z.output<typeof body>;

const preview = route({
  method: 'post',
  path: '/v1/services/{name}/preview',
  acl: 'provisioning.services.{name}.preview.read',
  summary: 'Shows whom another mapping and other name formats would change; changes nothing',
  description: 'Fields that are not sent stay as they are. What would be written account by account says a plan.',
  tags: ['services'],
  params: { name: serviceName },
  body,
  responses: {
    200: {
      description: 'What would change',
      schema: z.object({ mapping: mappingSchema, names: namesSchema }),
    },
  },
  async handler({ params: { name }, body: wanted, context }) {
    checkFormats(wanted);
    const service = await readService(context.db, name);
    const after = wanted.mapping ?? service.mapping;
    return {
      status: 200,
      body: {
        mapping: await previewMapping(context, service, after as MappingRules),
        names: await previewNames(context, service, wanted),
      },
    };
  },
});

async function previewMapping(
  { db, registry }: Pick<ApiContext, 'db' | 'registry'>,
  service: ServiceRecord,
  rules: MappingRules,
): Promise<z.input<typeof mappingSchema>> {
  const clean = registry.get(service.connector)?.groupNames;
  const { changes, ...sides } = compareMappings(
    { before: service.mapping, after: rules },
    await mappingSources(db),
    clean,
  );
  const moved = await movedPeople(db, service.id, sides);
  const shown = (names: readonly string[]): string[] => names.map((name) => candidateName(name, 0, clean));
  return {
    changes: changes.length,
    sources: changes.slice(0, MOST_SOURCES).map(({ source, before, after, isRename }) => {
      return { kind: source.kind, name: source.name, before: [...before], after: [...after], isRename };
    }),
    people: moved.people,
    gained: moved.gained,
    lost: moved.lost,
    guardLeft: Math.max(0, await guardRoom(db, service.id, 'group removal')),
    examples: moved.examples.map(({ userId, username, gains, loses }) => {
      return { user: { id: userId, username }, gains: shown(gains), loses: shown(loses) };
    }),
  };
}

interface Formats {
  readonly nameFormats: Readonly<Record<string, string>>;
  readonly nameFormat: string | null;
  readonly nicknameFormat: string | null;
}

interface HookNames {
  readonly name: string | undefined;
  readonly nickname: string | undefined;
  readonly rules: CleanRules | undefined;
}

async function previewNames(
  context: Pick<ApiContext, 'db' | 'registry'>,
  service: ServiceRecord,
  wanted: Wanted,
): Promise<z.input<typeof namesSchema>> {
  const hook = hookFor(context.registry, await resolveService(context, service.name), INERT_PORT);
  const rules = context.registry.get(service.connector)?.names;
  const hookNames = { name: hook.nameFormat, nickname: hook.nicknameFormat, rules };
  const after: Formats = {
    nameFormats: wanted.nameFormats ?? service.nameFormats,
    nameFormat: wanted.nameFormat === undefined ? service.nameFormat : wanted.nameFormat,
    nicknameFormat: wanted.nicknameFormat === undefined ? service.nicknameFormat : wanted.nicknameFormat,
  };
  const people = await namedPeople(context.db, service.id, EXAMINED);
  const named = people.map((one) => showNames(one, namesBy(service, one, hookNames), namesBy(after, one, hookNames)));
  const changed = named.filter(isChanged);
  return {
    examined: named.length,
    changed: changed.length,
    impossible: named.filter((one) => one.after === '').length,
    examples: [...changed, ...named.filter((one) => !isChanged(one))].slice(0, EXAMPLES),
  };
}

interface Names {
  readonly name: string;
  readonly nickname: string;
}

function namesBy(formats: Formats, input: NameInput, hook: HookNames): Names {
  const { format } = chooseFormat({ ...formats, hookFormat: hook.name }, input.state);
  const nickname = formatName(formats.nicknameFormat ?? hook.nickname ?? '{displayName}', input);
  return { name: candidateName(formatName(format, input), 0, hook.rules), nickname };
}

function showNames(one: NamedPerson, before: Names, after: Names): z.input<typeof nameSchema> {
  return {
    user: { id: one.userId, username: one.username },
    state: one.state,
    remoteName: one.remoteName,
    before: before.name,
    after: after.name,
    nicknameBefore: before.nickname,
    nicknameAfter: after.nickname,
  };
}

function isChanged({ before, after, nicknameBefore, nicknameAfter }: z.input<typeof nameSchema>): boolean {
  return before !== after || nicknameBefore !== nicknameAfter;
}

export const servicePreviewRoutes: readonly Route[] = [preview];
