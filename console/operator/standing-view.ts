import { html } from '../html';
import { OVERVIEW, STANDING } from '../texts/operator';
import { time } from '../time';
import { accountLink, duration, number, tag, to } from './parts';
import type { Html } from '../html';
import type { Limit, Standing } from './answers';

/** In one word how a service stands; what needs a person comes first. */
export function standingTag({ enabled, paused, failed, staged, due, running }: Standing): Html {
  if (!enabled) return tag(STANDING.off);
  if (paused !== null) return tag(STANDING.paused[paused.reason] ?? paused.reason, 'warn');
  if (staged > 0) return tag(STANDING.staged, 'warn');
  if (failed > 0) return tag(STANDING.failing, 'bad');
  return due + running > 0 ? tag(STANDING.working, 'busy') : tag(STANDING.well, 'good');
}

/** Why it is paused, by whom and since when; nothing when it is not. */
export function pauseLine({ paused }: Pick<Standing, 'paused'>): Html {
  if (paused === null) return html``;
  return html`<span class="soft"
    >${paused.detail}
    ${paused.by !== null && paused.by !== 'system' && html`${STANDING.by(paused.by)} `}${time(paused.since)}</span
  >`;
}

/** What is used of the budget, and what is free. */
export function budgetLines({ limits, slots }: Pick<Standing, 'limits' | 'slots'>): Html {
  const lines = limits.map(limitLine);
  const calls = slots === null ? [] : [html`<div>${OVERVIEW.slots(slots.held, slots.cap)}</div>`];
  const all = [...lines, ...calls];
  return all.length === 0 ? html`<span class="soft">${OVERVIEW.noLimit}</span>` : html`${all}`;
}

const SOURCES: Readonly<Record<Limit['source'], string>> = {
  guessed: OVERVIEW.guessed,
  told: OVERVIEW.told,
  set: OVERVIEW.set,
};

function limitLine(limit: Limit): Html {
  const window = duration(limit.windowMs);
  const { free } = limit;
  const text = free === null ? OVERVIEW.every(limit.limit, window) : OVERVIEW.free(free, limit.limit, window);
  return html`<div title="${SOURCES[limit.source]}">
    ${limit.route !== null && html`<code>${limit.route}</code> `}${text}
    ${limit.blockedMs > 0 && tag(OVERVIEW.blocked(Math.ceil(limit.blockedMs / 1_000)), 'warn')}
  </div>`;
}

/** Who has been due for longest. */
export function oldestLine({ oldestDue, service }: Pick<Standing, 'oldestDue' | 'service'>): Html {
  if (oldestDue === null) return html``;
  return html`${accountLink(service, oldestDue.user)} <span class="soft">${time(oldestDue.since)}</span>`;
}

/** Syncs that have not ended, with their progress. */
export function openSyncs({ syncs, service }: Pick<Standing, 'syncs' | 'service'>): Html {
  return html`${syncs.map(
    ({ id, kind, dryRun, status, total, done }) =>
      html`<div>
        <a href="${to`/operator/services/${service}/syncs/${id}`}"
          >${dryRun ? OVERVIEW.plan1(kind) : OVERVIEW.running1(kind)}</a
        >
        <span class="soft">${status}${total > 0 && html` ${number(done)} / ${number(total)}`}</span>
      </div>`,
  )}`;
}

/** How many accounts there are; removed ones are none any more. */
export function accountCount({ accounts }: Pick<Standing, 'accounts'>): number {
  return accounts.pending + accounts.active + accounts.disabled;
}
