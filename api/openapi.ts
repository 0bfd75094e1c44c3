import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import { IDEMPOTENCY_KEY } from './idempotency';
import { operationId } from './operation-id';
import { PROBLEMS } from './problem-codes';
import { problemSchema } from './problems';
import { wirePaths } from './wazo/table';
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import type { ResponseSpec, Route, Shape } from './route';

const DESCRIPTION = `Muster gives every member the accounts and groups they should have in every service.

Writes that start work answer **202** with \`Location: /v1/operations/{id}\`; with \`Prefer: wait=10\` they wait up to so many
seconds (60 at most) and answer **200** with the outcome. \`Idempotency-Key\` makes a repeated write give the same answer.
Lists page by \`cursor\`. Errors are problem documents (RFC 9457); their codes are in docs/errors.md.
Where a path has \`{user}\`, it takes Muster's id, \`username:ada\` or \`external:42\`.`;

/** The OpenAPI 3.1 document of the table. Plain data: give it to `response.json`. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const item = (paths[route.path] ??= {});
    item[route.method] = operationOf(route);
  }
  return createDocument({
    openapi: '3.1.1',
    info: { title: 'Muster', version: '1', description: DESCRIPTION, license: { name: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths: { ...paths, ...wirePaths() },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The admin token is kept in `.muster/admin-token`.' },
        wazo: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'Of clients of wazo-auth.' },
      },
    },
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const isWrite = route.method !== 'get';
  return {
    operationId: operationId(route.method, route.path),
    summary: route.summary,
    description: describe(route),
    tags: [...route.tags],
    ...(route.acl === 'public' ? { security: [] } : {}),
    requestParams: {
      ...present('path', route.params),
      ...present('query', route.query),
      ...(isWrite && route.acl !== 'public' ? { header: WRITE_HEADERS } : {}),
    },
    ...bodyOf(route),
    responses: responsesOf(route),
  };
}

const WRITE_HEADERS = z.object({
  'Idempotency-Key': z
    .string()
    .regex(IDEMPOTENCY_KEY)
    .optional()
    .meta({ description: 'the same key and request give the same answer, for a day' }),
  Prefer: z.string().optional().meta({ description: '`wait=N`: wait up to N seconds (60 at most) for the outcome' }),
});

function present(place: 'path' | 'query', shape: Shape | undefined): Readonly<Record<string, z.ZodObject>> {
  return shape === undefined || Object.keys(shape).length === 0 ? {} : { [place]: z.object(shape) };
}

function describe(route: Route): string {
  const permission = route.acl === 'public' ? 'Needs no token.' : `Permission: \`${route.acl}\`.`;
  return route.description === undefined ? permission : `${route.description}\n\n${permission}`;
}

function bodyOf(route: Route): Partial<Pick<ZodOpenApiOperationObject, 'requestBody'>> {
  if (route.stream !== undefined) {
    const content = Object.fromEntries(
      route.stream.contentTypes.map((type) => [type, { schema: { type: 'string' as const } }]),
    );
    return { requestBody: { required: true, content } };
  }
  if (route.body === undefined) return {};
  return {
    requestBody: { required: route.bodyOptional !== true, content: { 'application/json': { schema: route.body } } },
  };
}

function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const answers = Object.entries(route.responses).map(([status, spec]) => [status, responseOf(spec)]);
  const problem = {
    description: 'A problem document',
    content: { 'application/problem+json': { schema: problemSchema } },
  };
  const statuses = problemStatuses(route).map((status) => [
    String(status),
    { ...problem, description: titleOf(status) },
  ]);
  return {
    ...Object.fromEntries(statuses),
    ...Object.fromEntries(answers),
    default: problem,
  } as ZodOpenApiResponsesObject;
}

function responseOf(spec: ResponseSpec): object {
  if (spec.schema === undefined) return { description: spec.description };
  const content = {
    [spec.contentType ?? 'application/json']: { schema: spec.schema },
    ...(spec.alternative === undefined ? {} : { [spec.alternative]: { schema: { type: 'string' } } }),
  };
  return { description: spec.description, content };
}

/** The statuses that its problems have. */
export function problemStatuses(route: Route): readonly number[] {
  const hasParams = Object.keys(route.params ?? {}).length > 0;
  const takesBody = route.body !== undefined || route.stream !== undefined;
  return [
    400,
    ...(route.acl === 'public' ? [] : [401]),
    // `authenticated` needs no permission, so there is none to miss.
    ...(['public', 'authenticated'].includes(route.acl) ? [] : [403]),
    ...(hasParams ? [404] : []),
    ...(takesBody ? [413, 415, 422] : []),
    429,
    ...(route.problems ?? []).map((code) => PROBLEMS[code].status),
  ];
}

function titleOf(status: number): string {
  const titles = Object.values(PROBLEMS)
    .filter((problem) => problem.status === status)
    .map((problem) => problem.title);
  return titles[0] ?? 'A problem document';
}
