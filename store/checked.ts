import type { Checked } from '../domain/organisation-rules';
import type { ErrorItem } from './errors';
import { StoreError } from './errors';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether PostgreSQL will take the text as a uuid; anything else names nothing that exists. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Collects what the rules of the organisation say against the fields of one request, and refuses it once for all. */
export class FieldCheck {
  readonly #errors: ErrorItem[] = [];

  /** The value as the rule leaves it (trimmed, NFC). An undefined value passes: it was not given. */
  field<T>(name: string, value: unknown, rule: (value: unknown) => Checked<T>): T | undefined {
    if (value === undefined) return undefined;
    const checked = rule(value);
    if (checked.ok) return checked.value;
    this.#errors.push({ pointer: `/${name}`, detail: checked.problem });
    return undefined;
  }

  /** As `field`; null passes and means: none. */
  nullable<T>(name: string, value: unknown, rule: (value: unknown) => Checked<T>): T | null | undefined {
    return value === null ? null : this.field(name, value, rule);
  }

  /** @throws StoreError not-acceptable-value naming every wrong field */
  refuse(): void {
    const first = this.#errors[0];
    if (first === undefined) return;
    throw new StoreError('not-acceptable-value', `${(first.pointer ?? '').slice(1)} ${first.detail}.`, {
      errors: this.#errors,
    });
  }
}

/** The value, or the refusal that something is not there. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new StoreError('not-found', `There is no ${what}.`);
  return value;
}
