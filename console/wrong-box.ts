import { html } from './html';
import type { Html } from './html';
import type { Wrong } from './page';

/** What did not work. Read out at once; the cursor stands there, unless a field further down is marked. */
export function wrongBox({ text, items }: Wrong): Html {
  return html`<div class="error" role="alert" tabindex="-1" autofocus>
    <p>${text}</p>
    ${
      items.length > 0 &&
      html`<ul>
        ${items.map((item) => html`<li>${item}</li>`)}
      </ul>`
    }
  </div>`;
}
