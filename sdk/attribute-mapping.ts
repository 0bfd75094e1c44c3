import { z } from 'zod';
import type { AccountProfile } from './manager';

const PLACEHOLDERS = ['name', 'nickname', 'displayName', 'email'];

/**
 * A key of a connector's configuration: what goes into which field of the service, e.g.
 * `{ "telephoneNumber": "{attributes.phone}", "employeeType": "member" }`. Placeholders: `{name}` (the name on the service),
 * `{nickname}`, `{displayName}`, `{email}`, `{attributes.<key>}`.
 */
export const attributeMap = z.record(
  z.string().min(1),
  z.string().refine((template) => unknownPlaceholders(template).length === 0, {
    error: `may hold {${PLACEHOLDERS.join('}, {')}} and {attributes.<key>} only`,
  }),
);
/** Templates by field. */
export type AttributeMap = z.infer<typeof attributeMap>;

/**
 * Fills the templates. A field whose template is one attribute alone gets each entry of a list as a value of its own; elsewhere
 * lists are joined. No value means that the field is to be empty: it is still Muster's.
 */
export function mapAttributes(map: AttributeMap, profile: AccountProfile): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(map).map(([field, template]) => [field, fill(template, profile)]));
}

function fill(template: string, profile: AccountProfile): readonly string[] {
  const alone = /^\{attributes\.([^{}]+)\}$/.exec(template.trim())?.[1];
  if (alone !== undefined) return textsOf(profile, alone);
  // One pass: a name that looks like a placeholder stays a name.
  const text = template.replace(/\{([^{}]*)\}/g, (_all, key: string) => placeholder(key, profile)).trim();
  return text === '' ? [] : [text];
}

function placeholder(key: string, profile: AccountProfile): string {
  if (key === 'name' || key === 'nickname' || key === 'displayName') return profile[key];
  if (key === 'email') return profile.email ?? '';
  return textsOf(profile, key.slice('attributes.'.length)).join(' ');
}

function textsOf({ attributes }: AccountProfile, key: string): readonly string[] {
  const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (value === undefined || value === null) return [];
  const values = typeof value === 'object' ? value : [value];
  return values.map((each) => String(each).trim()).filter((text) => text !== '');
}

function unknownPlaceholders(template: string): readonly string[] {
  return [...template.matchAll(/\{([^{}]*)\}/g)]
    .map((match) => match[1] ?? '')
    .filter((key) => !PLACEHOLDERS.includes(key) && !/^attributes\..+$/.test(key));
}
