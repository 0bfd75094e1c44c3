import { mapAttributes } from '@muster/sdk';
import type { AccountProfile } from '@muster/sdk';
import type { ScimConfig, ScimUser } from './schema';

/** The attributes of a user that Muster keeps: where each stands and what it should be. */

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** One attribute, by the path that PATCH uses for it (RFC 7644 3.10). undefined = unassigned. */
export interface Field {
  readonly path: string;
  readonly value: unknown;
}

/** A resource on its way to the server. */
type Resource = Record<string, unknown>;

export function profileFields(profile: AccountProfile, config: ScimConfig): readonly Field[] {
  const mapped = mapAttributes(config.attributes ?? {}, profile);
  const more = Object.entries(mapped).map(([path, texts]) => ({ path, value: valueOf(texts) }));
  return [
    { path: 'userName', value: profile.name },
    { path: 'displayName', value: profile.displayName },
    { path: 'nickName', value: profile.nickname },
    { path: 'emails', value: emailsOf(profile.email) },
    ...more,
  ].map(({ path, value }) => ({ path, value: value === '' ? undefined : value }));
}

/** Several texts become a list of values, as RFC 7643 2.4 writes them. */
function valueOf(texts: readonly string[]): unknown {
  return texts.length > 1 ? texts.map((value) => ({ value })) : texts[0];
}

function emailsOf(email: string | null): unknown {
  return email === null ? undefined : [{ value: email, type: 'work', primary: true }];
}

/** Those fields in which the user differs. */
export function differing(user: ScimUser, wanted: readonly Field[]): readonly Field[] {
  return wanted.filter(({ path, value }) => comparable(valueAt(user, path)) !== comparable(value));
}

/** Of a list of values (mail addresses) only the values count: servers add types and displays of their own. */
function comparable(value: unknown): string {
  if (value === undefined || value === null || value === '') return '';
  if (!Array.isArray(value)) return JSON.stringify(value);
  const items = value.map((each: unknown) => (isObject(each) && 'value' in each ? each['value'] : each));
  return items.length === 0 ? '' : JSON.stringify(items);
}

export function newUser(externalId: string, fields: readonly Field[]): Resource {
  return withFields({ schemas: [USER_SCHEMA], externalId, active: true }, fields);
}

/** The whole user with the fields changed, without what only the server writes. */
export function replacement(user: ScimUser, fields: readonly Field[]): Resource {
  const { meta: _meta, groups: _groups, ...kept } = user;
  return withFields(structuredClone(kept), fields);
}

export function patchOf(fields: readonly Field[]): object {
  return patchMessage(
    fields.map(({ path, value }) => (value === undefined ? { op: 'remove', path } : { op: 'replace', path, value })),
  );
}

/** RFC 7644 3.5.2. */
export function patchMessage(operations: readonly object[]): object {
  return { schemas: [PATCH_SCHEMA], Operations: operations };
}

function withFields(resource: Resource, fields: readonly Field[]): Resource {
  for (const { path, value } of fields) set(resource, path, value);
  return resource;
}

function set(resource: Resource, path: string, value: unknown): void {
  const steps = stepsOf(path);
  const last = steps.pop() ?? path;
  const parent = steps.reduce<Resource>((at, step) => {
    const next = at[step];
    if (isObject(next)) return next;
    const made: Resource = {};
    at[step] = made;
    return made;
  }, resource);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  const [schema = ''] = stepsOf(path);
  const schemas = resource['schemas'];
  if (schema.startsWith('urn:') && Array.isArray(schemas) && !schemas.includes(schema)) schemas.push(schema);
}

function valueAt(resource: Readonly<Resource>, path: string): unknown {
  return stepsOf(path).reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), resource);
}

/** `name.givenName`, or with the schema of an extension before it: `urn:...:2.0:User:manager.value`. */
function stepsOf(path: string): string[] {
  const colon = path.lastIndexOf(':');
  if (colon < 0) return path.split('.');
  return [path.slice(0, colon), ...path.slice(colon + 1).split('.')];
}

function isObject(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
