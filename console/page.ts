import type { Principal } from '../auth/principal';
import type { Problem } from '../api/problem';
import type { ApiContext } from '../api/context';
import type { ConsoleApi } from './console-api';
import type { Html } from './html';
import type { Said } from './texts/said';

/** Who reads: signed in or not yet. */
export interface Visitor {
  readonly principal: Principal;
  readonly isSignedIn: boolean;
  /** Goes into every form; forms.ts does it. */
  readonly formToken: string;
  /** Path and query of the page that is made for them; also goes into every form. Empty where it is not known. */
  readonly page: string;
  /** S256-able secret of this browser, for logins by redirect. */
  readonly browserSecret: string;
  /** Differs when what they may do differs. */
  readonly rights: string;
  /** What names the session here; of a visitor who is not signed in, what would. */
  readonly key: string;
}

/** What a page is given. */
export interface PageRequest {
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The fields of a form that was sent; empty for GET. */
  readonly form: URLSearchParams;
  /** Files of a form that was sent as `multipart/form-data`, by field. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly visitor: Visitor;
  /** The API as this visitor, in process: same permissions, same audit trail. */
  readonly api: ConsoleApi;
  /** The API as somebody else who has just proved who they are. */
  readonly apiAs: (principal: Principal) => ConsoleApi;
  /** Would this browser keep a session, the way it has come? */
  readonly mayHoldSession: boolean;
  readonly context: ApiContext;
  /** Path and query as sent. */
  readonly url: string;
  /** htmx asks: only the part that changes is wanted. */
  readonly isPart: boolean;
  /** Where the request came from. */
  readonly address: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Aborted when the browser goes away, or the process is told to stop. */
  readonly signal: AbortSignal;
}

/** What did not work, in words for whoever reads. */
export interface Wrong {
  readonly text: string;
  readonly items: readonly string[];
}

/** What a page answers. */
export type PageAnswer =
  | {
      readonly kind: 'page';
      readonly title: string;
      readonly main: Html;
      /** Default 200. */
      readonly status?: number;
      /** Where we are, from the outside in, for the line above the title. */
      readonly trail?: readonly { readonly label: string; readonly url: string }[];
      readonly headers?: Readonly<Record<string, string>>;
      /** Why it is shown again: gives its status, and is noted in the audit trail where it is a refusal. */
      readonly problem?: Problem;
      /** What the frame says of it above the page. Pages that show a problem themselves leave it out. */
      readonly wrong?: Wrong;
    }
  | { readonly kind: 'part'; readonly html: Html; readonly status?: number }
  | {
      readonly kind: 'redirect';
      readonly to: string;
      /** Shown there once, from texts/said.ts. */
      readonly said?: Said;
      /** A new key for this browser: who it is has changed. */
      readonly key?: string;
    }
  /** Server-sent events: each part replaces the content of the element that follows this address. */
  | { readonly kind: 'live'; readonly parts: AsyncIterable<Html> }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string; readonly fileName?: string };

/** One address of the console. */
export interface PageDefinition {
  readonly method: 'get' | 'post';
  /** e.g. `/operator/services/{name}`; a fixed segment goes before a parameter. */
  readonly path: string;
  /**
   * The route of the API that decides who may come here, by its name: `GET /v1/services`. `signed in`: everybody who is;
   * `anybody`: also who is not.
   */
  readonly needs: string;
  /** With `needs`: which thing it is asked for, where the path of the page does not say it. Default: the parameters of the page. */
  readonly needsParams?: Readonly<Record<string, string>>;
  /** Largest form, default 200 kB. */
  readonly maxFormBytes?: number;
  handler(request: PageRequest): Promise<PageAnswer>;
}

/** Declares a page; see docs/console.md. */
export function page(definition: PageDefinition): PageDefinition {
  return definition;
}
