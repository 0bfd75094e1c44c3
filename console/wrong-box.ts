import { html } from './html';
import type { Html } from './html';
import type { Wrong } from './page';

/** What did not work, read out at once. `hasFocus`: the cursor stands there, as no field further down is marked. */
export function wrongBox({ text, items }: Wrong, hasFocus = false): Html {
  return html`<div class="error" role="alert" tabindex="-1" ${hasFocus && html`autofocus`}>
    <p>${text}</p>
    ${
      items.length > 0 &&
      html`<ul>
        ${items.map((item) => html`<li>${item}</li>`)}
      </ul>`
    }
  </div>`;
}
