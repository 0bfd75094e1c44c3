import type { HookHandler, HookRouter } from '../sdk/hook-router';

export interface HookRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly isPublic: boolean;
  readonly handler: HookHandler;
}

export interface MatchedRoute {
  readonly route: HookRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** Notes what a hook registers. */
export class RecordingRouter implements HookRouter {
  readonly routes: HookRoute[] = [];
  readonly #call: HookRouter['call'];

  constructor(call: HookRouter['call']) {
    this.#call = call;
  }

  get(path: string, handler: HookHandler): void {
    this.routes.push({ method: 'GET', path, isPublic: false, handler });
  }

  post(path: string, handler: HookHandler): void {
    this.routes.push({ method: 'POST', path, isPublic: false, handler });
  }

  publicGet(path: string, handler: HookHandler): void {
    this.routes.push({ method: 'GET', path, isPublic: true, handler });
  }

  publicPost(path: string, handler: HookHandler): void {
    this.routes.push({ method: 'POST', path, isPublic: true, handler });
  }

  call(action: string, input: unknown): Promise<unknown> {
    return this.#call(action, input);
  }
}

/** The routes of this path, whatever the method; segments that begin with `:` are parameters. */
export function matchRoutes(routes: readonly HookRoute[], path: string): readonly MatchedRoute[] {
  return routes.flatMap((route) => {
    const params = match(segments(route.path), segments(path));
    return params === undefined ? [] : [{ route, params }];
  });
}

function segments(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function match(pattern: readonly string[], actual: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const given = decodeURIComponent(actual[index] ?? '');
    if (expected.startsWith(':')) params[expected.slice(1)] = given;
    else if (expected !== given) return undefined;
  }
  return params;
}
