import { actionButton } from '../forms';
import { Html, html, safeUrl } from '../html';
import { page } from '../page';
import { SHARED } from '../texts/operator';
import { time } from '../time';
import type { Shown } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { InProcessRequest } from '../../api/in-process';
import type { Said } from '../texts/said';

type Params = Readonly<Record<string, string>>;

export interface Act {
  /** Address of the button. */
  readonly path: string;
  /** The route of the API that does it, and judges who may. */
  readonly route: string;
  /** What is sent, from the fields of the form. */
  readonly send?: (form: URLSearchParams, params: Params) => Omit<InProcessRequest, 'params'>;
  /** As a page's; default: that route. Its parameters must be those of the address. */
  readonly needs?: string;
  /** The route's own parameters, where they are not those of the address. */
  readonly params?: (params: Params) => Params;
  readonly to: (params: Params, form: URLSearchParams) => string;
  readonly said?: Said;
}

/** A page behind a button: calls one route of the API and leads back. What the API refuses is shown as a page. */
export function act(definition: Act): PageDefinition {
  const { path, route, needs = route, send, params: toParams, said = 'done' } = definition;
  return page({
    method: 'post',
    path,
    needs,
    async handler({ api, params, form }) {
      await api.call(route, { params: toParams?.(params) ?? params, ...send?.(form, params) });
      return { kind: 'redirect', to: definition.to(params, form), said };
    },
  });
}

type Button = Parameters<typeof actionButton>[1];

/** A button, and what decides whether it is there. */
export interface Offer extends Button {
  /** Does it mean something now, and can the service do it? Default true. */
  readonly isFitting?: boolean;
  /** The route of the API that it leads to: who may not call it does not see the button. */
  readonly route: string;
  readonly params: Params;
}

/** The buttons that this visitor may press and that mean something now. */
export async function offers(
  { api, visitor }: Pick<PageRequest, 'api' | 'visitor'>,
  list: readonly Offer[],
): Promise<readonly Html[]> {
  const fitting = list.filter(({ isFitting = true }) => isFitting);
  const may = await Promise.all(fitting.map(({ route, params }) => api.may(route, params)));
  return fitting.filter((_offer, index) => may[index]).map((offer) => actionButton(visitor, offer));
}

/** The text of a field, or undefined where nothing was typed. */
export function typed(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name)?.trim() ?? '';
  return text === '' ? undefined : text;
}

/** `reason` of a form, for bodies where it may be absent. */
export function reasonOf(form: URLSearchParams): { readonly reason?: string } {
  const reason = typed(form, 'reason');
  return reason === undefined ? {} : { reason };
}

/** A path of ours with its values in it. */
export function to(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.map((part, index) => part + encodeURIComponent(values[index] ?? '')).join('');
}

/** A person's name as a link to their page; of one who is gone only the name. */
export function personLink(user: { readonly id: string; readonly username: string | null }): Html {
  const name = user.username ?? user.id;
  return html`<a href="${to`/operator/people/${user.id}`}"><bdi>${name}</bdi></a>`;
}

/** A person's name as a link to what explains their account on a service. */
export function accountLink(service: string, user: { readonly id: string; readonly username: string | null }): Html {
  return html`<a href="${accountUrl(service, user.id)}"><bdi>${user.username ?? user.id}</bdi></a>`;
}

/** Where an account is explained. */
export function accountUrl(service: string, userId: string): string {
  return to`/operator/people/${userId}/accounts/${service}`;
}

export function serviceLink(service: string | null, title?: string | null): Html {
  if (service === null) return html``;
  return html`<a href="${to`/operator/services/${service}`}"><bdi>${title ?? service}</bdi></a>`;
}

export type Mood = 'good' | 'warn' | 'bad' | 'busy' | '';

export function tag(text: string, mood: Mood = ''): Html {
  return html`<span class="tag ${mood}">${text}</span>`;
}

const MOODS: Readonly<Record<string, Mood>> = {
  succeeded: 'good',
  active: 'good',
  done: 'good',
  approved: 'good',
  running: 'busy',
  staging: 'busy',
  waiting: 'warn',
  queued: 'warn',
  paused: 'warn',
  pending: 'warn',
  staged: 'warn',
  held: 'warn',
  skipped: 'warn',
  refused: 'warn',
  'action required': 'warn',
  failed: 'bad',
  rejected: 'bad',
};

/** A status as the API names it, in its colour. The word stands there too: colour alone says nothing. */
export function statusTag(status: string): Html {
  return tag(status, MOODS[status] ?? '');
}

const NUMBERS = new Intl.NumberFormat('en');

export function number(count: number): string {
  return NUMBERS.format(count);
}

/** A length of time in words: `300 ms`, `10 s`, `5 min`, `2 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** A link into Temporal's web UI, where there is one. */
export function temporalLink(links: { readonly temporal?: string }): Html {
  if (links.temporal === undefined) return html``;
  return html`<a href="${safeUrl(links.temporal)}" rel="noreferrer" target="_blank">${SHARED.temporal}</a>`;
}

/** Names and values in two columns; what is nothing is left out. */
export function facts(entries: readonly (readonly [label: string, value: Shown])[]): Html {
  const shown = entries.filter(([, value]) => !isNothing(value));
  return html`<dl class="facts">
    ${shown.map(
      ([label, value]) =>
        html`<dt>${label}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function isNothing(value: Shown): boolean {
  if (value instanceof Html) return value.text.trim() === '';
  return value === null || value === undefined || value === false || value === '';
}

/** Who did something and when, in one line. */
export function whoWhen(who: string | null, when: string | null): Html {
  return html`${who !== null && html`<bdi>${actorText(who)}</bdi> · `}${time(when)}`;
}

/** As it is written down, without what only machines need. */
export function actorText(actor: string): string {
  return actor.startsWith('system') ? SHARED.system : actor;
}

/** What stands in a field of unknown form, in one line. */
export function dataText(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]) => `${key}: ${plainText(value)}`)
    .join(' · ');
}

/** A value of unknown form as text: text as it is, lists of it with commas, everything else as JSON. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
  return JSON.stringify(value);
}

/** The first `most` of a list with how many there are beyond. */
export function shortList(names: readonly string[], most = 12): Html {
  const rest = names.length - most;
  const shown = names.slice(0, most).map((name, index) => html`${index > 0 && ', '}<bdi>${name}</bdi>`);
  return html`${shown}${rest > 0 && html` <span class="soft">${SHARED.more(rest)}</span>`}`;
}

/** A heading with what can be done beside it. */
export function section(title: string, body: Shown, beside?: Shown): Html {
  return html`<section>
    <div class="head">
      <h2>${title}</h2>
      ${beside}
    </div>
    ${body}
  </section>`;
}

/** Values of a query that are not empty, for the API. */
export function asked(query: URLSearchParams, names: readonly string[]): Record<string, string | undefined> {
  const values = names.map((name) => [name, query.get(name)?.trim() || undefined] as const);
  return Object.fromEntries(values);
}
