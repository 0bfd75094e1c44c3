import { html } from './html';
import { REFUSED } from './texts/frame';
import { PROBLEMS } from '../api/problem-codes';
import type { Problem } from '../api/problem';
import type { Html } from './html';

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
    .slice(0, 20)
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

function wordsOf(status: number, { detail, code }: Problem): { readonly title: string; readonly text: string } {
  if (code === 'internal') return { title: REFUSED.broken, text: REFUSED.brokenText };
  if (status === 401 || status === 403) return { title: REFUSED.notAllowed, text: REFUSED.notAllowedText };
  if (status === 404) return { title: REFUSED.notFound, text: REFUSED.notFoundText };
  if (status === 429) return { title: REFUSED.tooMany, text: detail };
  if (status >= 500) return { title: REFUSED.away, text: `${detail} ${REFUSED.awayText}` };
  return { title: REFUSED.invalid, text: detail };
}
