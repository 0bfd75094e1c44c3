import { z } from 'zod';
import type { Connector } from './connector';

/** JSON Schema (draft 2020-12) of one service's configuration. */
export type ConfigForm = Readonly<Record<string, unknown>>;

/**
 * The configuration of a connector's services as JSON Schema, for a form: what may be given, with the descriptions of the schema's
 * `.describe()`. Secret keys are `writeOnly` and of the format `password`. What zod can check and JSON Schema cannot say is left out: the
 * API checks all of it when the configuration comes.
 */
export function configForm({ config, secrets = [] }: Pick<Connector, 'config' | 'secrets'>): ConfigForm {
  const schema = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const isSecret = secrets.some((secret) => secret === key);
    const shown = typeof value === 'object' ? value : {};
    return [key, isSecret ? { ...shown, writeOnly: true, format: 'password' } : shown];
  });
  return { ...schema, ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }) };
}
