/** Remote names: format, clean, and the next one to try when a name is taken. */
import type { Attributes, AttributeValue } from './words';

export interface NameInput {
  readonly username: string;
  readonly displayName: string;
  readonly state: string;
  readonly attributes: Attributes;
}

export interface NameSettings {
  /** Per state name; wins over `nameFormat`. */
  readonly nameFormats: Readonly<Record<string, string>>;
  readonly nameFormat: string | null;
  /** The hook's default. */
  readonly hookFormat: string | undefined;
}

/** Which format holds for a state, and where it comes from (for `explain`). */
export function chooseFormat(
  settings: NameSettings,
  state: string,
): { readonly format: string; readonly from: string } {
  const byState = Object.hasOwn(settings.nameFormats, state) ? settings.nameFormats[state] : undefined;
  if (byState !== undefined) return { format: byState, from: `name format of state ${state}` };
  if (settings.nameFormat !== null) return { format: settings.nameFormat, from: 'name format of the service' };
  if (settings.hookFormat !== undefined) return { format: settings.hookFormat, from: 'name format of the connector' };
  return { format: '{username}', from: 'default' };
}

/** Fills `{username}`, `{displayName}`, `{state}` and `{attributes.key}`; what is missing becomes ''. The result is trimmed. */
export function formatName(format: string, input: NameInput): string {
  return format.replace(/\{([^{}]*)\}/g, (_all, key: string) => placeholder(key.trim(), input)).trim();
}

function placeholder(key: string, input: NameInput): string {
  if (key === 'username') return input.username;
  if (key === 'displayName') return input.displayName;
  if (key === 'state') return input.state;
  const attribute = /^attributes\.(.+)$/.exec(key)?.[1];
  if (attribute === undefined || !Object.hasOwn(input.attributes, attribute)) return '';
  return attributeText(input.attributes[attribute]);
}

function attributeText(value: AttributeValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? value.join(' ') : String(value);
}

/** The placeholders of a format that are not known; empty when the format is good. */
export function unknownPlaceholders(format: string): readonly string[] {
  return [...format.matchAll(/\{([^{}]*)\}/g)]
    .map((match) => (match[1] ?? '').trim())
    .filter((key) => !['username', 'displayName', 'state'].includes(key) && !/^attributes\..+$/.test(key));
}

export interface CleanRules {
  readonly maxLength: number;
  readonly lengthUnit?: 'bytes' | 'characters';
  readonly clean: (name: string) => string;
}

/** Candidate number `attempt` (0 = the name itself) for a service: cleaned, with a suffix, cut to fit. '' = cannot be made. */
export function candidateName(name: string, attempt: number, rules: CleanRules | undefined): string {
  const suffix = attempt === 0 ? '' : `-${attempt + 1}`;
  if (rules === undefined) return name + suffix;
  const cleaned = rules.clean(name);
  if (cleaned === '') return '';
  return cut(cleaned, rules.maxLength - suffix.length, rules.lengthUnit ?? 'characters') + suffix;
}

function cut(text: string, max: number, unit: 'bytes' | 'characters'): string {
  const characters = Array.from(text);
  if (unit === 'characters') return characters.slice(0, max).join('');
  let bytes = 0;
  let end = 0;
  for (const character of characters) {
    bytes += utf8Length(character);
    if (bytes > max) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
