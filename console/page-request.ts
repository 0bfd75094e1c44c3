import { untilGone } from '../api/gone';
import { consoleApi } from './console-api';
import { PAGE_FIELD } from './forms';
import { wayOf } from './session';
import type { Request, Response } from 'express';
import type { Principal } from '../auth/principal';
import type { ApiContext } from '../api/context';
import type { InProcessApi } from '../api/in-process';
import type { ConsoleApi } from './console-api';
import type { PageRequest, Visitor } from './page';

interface Asking {
  readonly request: Request;
  readonly response: Response;
  readonly context: ApiContext;
  readonly api: InProcessApi;
}

/** What is known of a request when its page is found. */
export interface Known {
  readonly params: Readonly<Record<string, string>>;
  readonly who: Visitor;
  readonly form: { readonly fields: URLSearchParams; readonly files: ReadonlyMap<string, Buffer> } | undefined;
  /** Path and query of the page that is made. Default: those that were asked for. */
  readonly at?: string;
}

/** What a page is given. */
export function pageRequest({ request, response, context, api }: Asking, known: Known): PageRequest {
  const { params, who, form, at = request.originalUrl } = known;
  const signal = untilGone(response, context.draining);
  const apiAs = (principal: Principal): ConsoleApi =>
    consoleApi(api, { principal, origin: request, signal, locals: response.locals });
  const way = wayOf(request, context.publicUrl);
  const { principal } = who;
  return {
    params,
    query: new URLSearchParams(at.split('?')[1] ?? ''),
    form: form?.fields ?? new URLSearchParams(),
    files: form?.files ?? new Map(),
    visitor: { ...who, page: known.at ?? pageOf(request, form?.fields) },
    api: apiAs(principal),
    apiAs,
    mayHoldSession: way.isSecure || way.isPlainButMeant,
    context,
    url: at,
    isPart: known.at === undefined && request.headers['hx-request'] === 'true',
    address: request.ip ?? '',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    signal,
  };
}

/** Where the forms of this answer stand: a form says it, a live part stands on the page that asks, a page on itself. */
function pageOf(request: Request, fields: URLSearchParams | undefined): string {
  if (fields !== undefined) return localPage(fields.get(PAGE_FIELD) ?? '');
  if (!['GET', 'HEAD'].includes(request.method)) return '';
  const isLive = request.headers.accept?.includes('text/event-stream') === true;
  return isLive ? pageBehind(request) : localPage(request.originalUrl);
}

/** The page of ours that a request comes from, as the browser says; empty where it does not. */
export function pageBehind({ headers: { referer = '' }, host }: Request): string {
  if (!URL.canParse(referer)) return '';
  const from = new URL(referer);
  return from.host === host ? localPage(from.pathname + from.search) : '';
}

/** A path of ours, without what was said there once; of everything else nothing. */
function localPage(address: string): string {
  if (address.length > 2_000 || !/^\/(?![/\\])/.test(address)) return '';
  const [path = '', query = ''] = address.split('?');
  const kept = new URLSearchParams(query);
  kept.delete('said');
  return kept.size === 0 ? path : `${path}?${kept.toString()}`;
}
