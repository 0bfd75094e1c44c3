import { hookRoutes } from '../api/hook-routes';
import { toProblem } from '../api/problems';
import { isBrowser } from './is-browser';
import { keyOf, visitorOf, wayOf } from './session';
import { requireSameOrigin } from './same-origin';
import type { Request, RequestHandler } from 'express';
import type { Principal } from '../auth/principal';
import type { ApiContext } from '../api/context';
import type { Door } from '../api/identify';
import type { PageFrame } from './mount';

/**
 * The pages that hooks and modules register, for browsers as well: a session counts in place of a token, a piece of HTML gets our
 * frame, and whoever is not signed in goes to the door.
 */
export function modulePages(
  options: Door & { readonly context: ApiContext; readonly pages: PageFrame },
): RequestHandler {
  const { context, pages } = options;
  const serve = hookRoutes({
    ...options,
    session: (request) => signedInBy(context, request),
    frame: async (request, response, answer) => {
      const { body, contentType } = answer;
      const isHtml = contentType?.startsWith('text/html') === true;
      if (typeof body !== 'string' || !isHtml || !isBrowser(request) || isWholePage(body)) return answer;
      return { ...answer, body: await pages.around(request, response, body) };
    },
  });
  return async (request, response, next) => {
    try {
      await serve(request, response, next);
    } catch (error) {
      if (!isBrowser(request)) throw error;
      await pages.refuse(request, response, toProblem(error));
    }
  };
}

/** Cookies are sent whoever made the form: only a request of our own pages is taken with them. */
async function signedInBy(context: ApiContext, request: Request): Promise<Principal | undefined> {
  const key = keyOf(request.headers.cookie, wayOf(request, context.publicUrl));
  if (key === undefined) return undefined;
  const visitor = await visitorOf(context.db, key);
  if (!visitor.isSignedIn) return undefined;
  if (!['GET', 'HEAD'].includes(request.method)) requireSameOrigin(request);
  return visitor.principal;
}

function isWholePage(markup: string): boolean {
  return /^\s*<(!doctype|html)\b/i.test(markup);
}
