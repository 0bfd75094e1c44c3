import { html } from './html';
import { STANDING } from './texts/person';
import type { AccountView } from './api-types';
import type { Html } from './html';

type Standing = keyof typeof STANDING;

const LOOKS: Readonly<Record<Standing, string>> = {
  none: '',
  active: 'good',
  disabled: '',
  removed: '',
  working: 'busy',
  waiting: 'warn',
  needed: 'warn',
  decision: 'warn',
  refused: 'bad',
};

/** How an account stands, for the person whose it is. */
export function standingOf(account: Pick<AccountView, 'status' | 'attention' | 'due' | 'running'>): Standing {
  if (account.attention === 'action required') return 'needed';
  if (account.attention === 'staged' || account.attention === 'held') return 'decision';
  if (account.running) return 'working';
  if (account.attention === 'rejected') return 'refused';
  if (account.attention === 'waiting') return 'waiting';
  if (account.due || account.status === 'pending') return 'working';
  return account.status;
}

/** The word for it, in its colour. */
export function standingTag(standing: Standing): Html {
  return html`<span class="tag ${LOOKS[standing]}">${STANDING[standing][0]}</span>`;
}

/** The sentence for it. */
export function standingText(standing: Standing): string {
  return STANDING[standing][1];
}

/** Text of a service in which web addresses can be followed; nothing else of it is markup. */
export function withLinks(text: string): Html {
  const parts = text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)])/i);
  return html`${parts.map((part, index) =>
    index % 2 === 1 ? html`<a href="${part}" rel="noopener noreferrer">${part}</a>` : part,
  )}`;
}
