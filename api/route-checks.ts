import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Problem } from './problem';
import { issueItems } from './problems';
import type { Answer, Route, Shape } from './route';

/** The schemas of what a route takes beside its body. */
export interface Validators {
  readonly params: z.ZodType<Record<string, unknown>>;
  readonly query: z.ZodType<Record<string, unknown>>;
}

/** Made once for each route. @throws Error when a parameter of the path has no schema */
export function validatorsOf(route: Route): Validators {
  const named = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const missing = named.filter((name) => route.params?.[name] === undefined);
  if (missing.length > 0) throw new Error(`${route.method} ${route.path}: no schema for ${missing.join(', ')}`);
  return {
    params: strict(route.params),
    query: route.anyQuery === true ? z.looseObject(route.query ?? {}) : strict(route.query),
  };
}

function strict(shape: Shape | undefined): z.ZodType<Record<string, unknown>> {
  return z.strictObject(shape ?? {});
}

/** GET never has a body; DELETE only where the route says so. */
export function takesBody(route: Route): boolean {
  return route.method !== 'get' && (route.method !== 'delete' || route.body !== undefined);
}

/** What was given, as the schema reads it. @throws Problem invalid-request */
export function check(
  schema: z.ZodType<Record<string, unknown>>,
  value: unknown,
  place: 'path' | 'query',
): Record<string, unknown> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = issueItems(parsed.error).map((item) => ({ ...item, pointer: `/${place}${item.pointer ?? ''}` }));
  throw new Problem('invalid-request', `The ${place} is not valid.`, { errors });
}

/** Tests: what is answered is what is documented. @throws Error */
export function checkAnswer(route: Route, answer: Answer): void {
  const where = `${route.method} ${route.path} ${answer.status}`;
  const spec = route.responses[answer.status];
  if (spec === undefined) throw new Error(`${where} is not among the documented answers`);
  if (spec.schema === undefined || answer.contentType !== undefined || answer.stream !== undefined) return;
  const sent: unknown = answer.body === undefined ? undefined : JSON.parse(JSON.stringify(answer.body));
  const parsed = spec.schema.safeParse(sent);
  if (!parsed.success) throw new Error(`${where} does not fit its schema: ${parsed.error.message}`);
  // The schema drops what it does not know: a difference is a field that the documentation does not show.
  if (!isDeepStrictEqual(parsed.data, sent)) throw new Error(`${where} has fields that its schema does not show`);
}
