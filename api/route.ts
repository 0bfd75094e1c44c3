import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Principal } from '../auth/principal';
import type { ApiContext } from './context';
import type { Words } from './external-page';
import type { ProblemCode } from './problem-codes';

/**
 * One entry of the route table. The same entry feeds express, the OpenAPI document, the ACL list and the tests, so the
 * documentation cannot differ from the behaviour.
 *
 * @example
 * export const renameGroup = route({
 *   method: 'patch',
 *   path: '/v1/groups/{groupId}',
 *   acl: 'organisation.groups.{groupId}.update',
 *   summary: 'Renames a group',
 *   tags: ['groups'],
 *   params: { groupId: uuid },                         // fields.ts has uuid, serviceName, userRef, oneLine(max), ...
 *   query: {},                                         // every query parameter; others answer 400
 *   body: z.strictObject({ name: oneLine(255) }),      // invalid answers 422; without `body` none is read
 *   responses: { ...operationResponses({ group: groupSchema }), },
 *   async handler({ params, body, principal, context, ...request }) {
 *     const { changeId, operationId, group } = await updateGroup(context.db, { id: params.groupId, name: body.name, actor: principal.actor });
 *     await context.flow.changed(changeId);
 *     return operationAnswer({ ...request, principal, context }, operationId, { group });   // 202, or 200 after `Prefer: wait`
 *   },
 * });
 *
 * Export the routes of a file as one list (`export const groupRoutes: readonly Route[] = [renameGroup, ...]`) and name it
 * in `routes/index.ts`. A handler parses nothing and holds no SQL: it calls the store, tells `context.flow`, answers.
 * Trouble is thrown: a `StoreError` from the store, or `new Problem(code, detail)`; problems.ts makes the answer.
 */
export function route<
  const P extends Shape = Record<string, never>,
  const Q extends Shape = Record<string, never>,
  B extends z.ZodType = z.ZodUndefined,
>(definition: RouteDefinition<P, Q, B>): Route {
  return definition;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Shape = Readonly<Record<string, z.ZodType>>;

export interface ResponseSpec {
  readonly description: string;
  /** Absent: the answer has no body. */
  readonly schema?: z.ZodType;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** A second representation that the handler may choose by setting `contentType`, e.g. `text/html`. Always text. */
  readonly alternative?: string;
}

/** Success answers by status. Problems (4xx, 5xx) are documented for every route by the frame. */
export type Responses = Readonly<Record<number, ResponseSpec>>;

export interface RouteDefinition<P extends Shape, Q extends Shape, B extends z.ZodType> {
  readonly method: Method;
  /** OpenAPI style: `/v1/groups/{groupId}`. */
  readonly path: string;
  /**
   * Permission with the path's parameters in it, e.g. `provisioning.services.{name}.accounts.{user}.create`. `public` needs no
   * token, `authenticated` any valid one.
   */
  readonly acl: string;
  /** Who owns the thing may do it with this permission too. */
  readonly own?: OwnRule;
  /** One line, shown in the reference. */
  readonly summary: string;
  /** More lines (Markdown). */
  readonly description?: string;
  readonly tags: readonly string[];
  readonly params?: P;
  readonly query?: Q;
  /** Default false: true lets every other query parameter through as well, as the peers of OAuth demand. */
  readonly anyQuery?: boolean;
  readonly body?: B;
  /** Default false: with `body`, an absent body is undefined instead of an error. */
  readonly bodyOptional?: boolean;
  /** In place of `body`: the handler reads `request.stream` itself (imports). */
  readonly stream?: StreamSpec;
  readonly responses: Responses;
  /** Problems of its own, beside those of every route: shown in the documentation with their statuses. */
  readonly problems?: readonly ProblemCode[];
  /** The answer holds a secret: it is never kept for a repeated Idempotency-Key, and never cached. */
  readonly secret?: boolean;
  handler(request: RouteRequest<z.output<z.ZodObject<P>>, z.output<z.ZodObject<Q>>, z.output<B>>): Promise<Answer>;
}

export interface OwnRule {
  /** e.g. `self.me.operations.read`. */
  readonly acl: string;
  /** The person or client that owns what the path names; undefined = nobody. */
  ownerOf(context: ApiContext, params: Readonly<Record<string, unknown>>): Promise<string | undefined>;
}

export interface StreamSpec {
  /** Media types that are taken; others answer 415. */
  readonly contentTypes: readonly string[];
  /** More bytes than this answer 413. */
  readonly maxBytes: number;
}

/** What every handler gets. Everything is validated; `params`, `query` and `body` have the types of their schemas. */
export interface RouteRequest<
  P = Readonly<Record<string, unknown>>,
  Q = Readonly<Record<string, unknown>>,
  B = unknown,
> extends RequestFacts {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** The part of a request that helpers such as `operationAnswer` and `pageAnswer` need. */
export interface RequestFacts {
  readonly principal: Principal;
  readonly context: ApiContext;
  /** Path and query as sent, for links. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `Prefer: wait=N` in milliseconds, at most 60,000; undefined = answer at once. */
  readonly waitMs: number | undefined;
  /** Aborted when the client goes away, or the process is told to stop. */
  readonly signal: AbortSignal;
  /** The body, for routes with `stream`; ends with a Problem when it is too large. Empty on other routes. */
  readonly stream: Readable;
  /** Media type of the body without parameters, lower case; '' = none sent. */
  readonly contentType: string;
  /** Where the request came from: behind a proxy that is trusted, what it says. */
  readonly address: string;
}

/** What a handler returns. The tests check every answer against `responses`: its status, and its body to the last field. */
export interface Answer {
  /** One of the statuses in `responses`. */
  readonly status: number;
  readonly body?: unknown;
  /** In place of `body`: a page of a few words for a browser, framed by the console where there is one. */
  readonly words?: Words;
  /** In place of `body`: sent piece by piece, at the client's pace; left when the client goes away. */
  readonly stream?: AsyncIterable<string>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only for `alternative`; the body is then a string. */
  readonly contentType?: string;
}

/** A route without its types, as it stands in the table. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly acl: string;
  readonly own?: OwnRule;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly params?: Shape;
  readonly query?: Shape;
  readonly anyQuery?: boolean;
  readonly body?: z.ZodType;
  readonly bodyOptional?: boolean;
  readonly stream?: StreamSpec;
  readonly responses: Responses;
  readonly problems?: readonly ProblemCode[];
  readonly secret?: boolean;
  handler(request: RouteRequest): Promise<Answer>;
}
