import { html } from './html';
import { GROUPS } from './texts/person';
import type { ExplanationView } from './api-types';
import type { Html } from './html';

type Because = ExplanationView['groups']['desired'][number]['because'];

/** What a group at a service stems from, in a line. */
export function reasons(because: Because): Html {
  return html`${because.map(({ kind, name }, index) => {
    const of = kind === 'group' ? GROUPS.ofGroup : GROUPS.ofState;
    return html`${index > 0 && ', '}${of} <bdi>${name}</bdi>`;
  })}`;
}
