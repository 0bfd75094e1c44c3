import type { HookUser } from './hook';

/** A request that reached a hook's own route. */
export interface HookRequest {
  readonly method: string;
  /** Path below `/services/<name>`. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** The signed-in person; undefined only on public paths. */
  readonly user: HookUser | undefined;
}

/** What a route answers. `body` is sent as text if it is text, else as JSON. */
export interface HookResponse {
  readonly status: number;
  /** Default `application/json`. Text bodies are sent as they are: escape what people typed. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Answers one request to a hook's own route. */
export type HookHandler = (request: HookRequest) => Promise<HookResponse>;

/** Where a hook registers its own routes. */
export interface HookRouter {
  get(path: string, handler: HookHandler): void;
  post(path: string, handler: HookHandler): void;
  /** As get/post, without a signed-in person: for callbacks and webhooks, which must check their caller themselves. */
  publicGet(path: string, handler: HookHandler): void;
  publicPost(path: string, handler: HookHandler): void;
  /** Runs the manager's `callAction(action, input)` in a worker and answers its JSON result. */
  call(action: string, input: unknown): Promise<unknown>;
}
