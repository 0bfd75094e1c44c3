import { html } from './html';
import { REFUSED } from './texts/frame';
import { PROBLEMS } from '../api/problem-codes';
import type { Words } from '../api/external-page';
import type { Problem } from '../api/problem';
import type { ErrorItem } from '../store/errors';
import type { Html } from './html';
import type { Wrong } from './page';

/** A page in place of another one. */
export interface Refused {
  readonly status: number;
  readonly title: string;
  readonly main: Html;
}

/** What a visitor reads when a page cannot be shown. Faults of ours show a number only, under which the log has the rest. */
export function refusedPage(problem: Problem, requestId: string): Refused {
  const { status } = PROBLEMS[problem.code];
  const details = problem.errors
    .slice(0, MOST)
    .map((item) => html`<li>${item.pointer === undefined ? '' : `${item.pointer.slice(1)}: `}${item.detail}</li>`);
  const list =
    details.length > 0 &&
    html`<ul>
      ${details}
    </ul>`;
  const { title, text } = wordsOf(status, problem);
  const main = html`<p>${text}</p>
    ${status >= 500 ? html`<p><code>${requestId}</code></p>` : list}
    <p><a class="button" href="/">${REFUSED.home}</a></p>`;
  return { status, title, main };
}

/** A page of a few words. */
export function wordsPage({ title, text }: Words): Pick<Refused, 'title' | 'main'> {
  return {
    title,
    main: html`<p>${text}</p>
      <p><a class="button" href="/">${REFUSED.home}</a></p>`,
  };
}

/** What is said above a page whose form did not work. `rest`: what of it stands at no field. */
export function wrongOf(problem: Problem, rest: readonly ErrorItem[]): Wrong {
  const { code, detail, errors } = problem;
  const items = rest
    .slice(0, MOST)
    .map((item) =>
      [...(item.pointer ?? '').split('/').slice(1, 2), item.detail].filter((word) => word !== '').join(': '),
    );
  // The API speaks of bodies: who filled a form in has seen none.
  if (errors.length > 0 && items.length === 0) return { text: REFUSED.marked, items };
  if (UNFIT.includes(code) && errors.length > 0) return { text: REFUSED.notRight, items };
  const { status } = PROBLEMS[code];
  if (status === 403) return { text: REFUSED.mayNot, items };
  return { text: status >= 500 ? `${detail} ${REFUSED.awayText}` : detail, items };
}

/** Codes of what does not fit a route, whose words are for programs. */
const UNFIT: readonly string[] = ['invalid-body', 'invalid-request', 'invalid-package'];
/** So many things that are wrong are listed. */
const MOST = 20;

function wordsOf(status: number, { detail, code, errors }: Problem): { readonly title: string; readonly text: string } {
  if (code === 'internal') return { title: REFUSED.broken, text: REFUSED.brokenText };
  if (detail === REFUSED.foreign) return { title: REFUSED.invalid, text: detail };
  if (status === 401 || status === 403) return { title: REFUSED.notAllowed, text: REFUSED.notAllowedText };
  if (status === 404) return { title: REFUSED.notFound, text: REFUSED.notFoundText };
  if (status === 429) return { title: REFUSED.tooMany, text: detail };
  if (status >= 500) return { title: REFUSED.away, text: `${detail} ${REFUSED.awayText}` };
  const isUnfit = UNFIT.includes(code) && errors.length > 0;
  return { title: REFUSED.invalid, text: isUnfit ? REFUSED.notRight : detail };
}
