import { html } from '../html';
import { SYNC } from '../texts/operator-work';
import { time } from '../time';
import { dataText, facts, number, statusTag, tag, temporalLink, to, whoWhen } from './parts';
import type { Html } from '../html';
import type { Sync } from './answers';

/** How far a sync is, honestly: what nobody can say is not guessed. */
export function syncView(sync: Sync): Html {
  const { status, total, progress, error, service } = sync;
  const percent = total === 0 ? 0 : Math.floor((progress.done / total) * 100);
  return html`<div class="progress-line">
      ${statusTag(status)}
      <progress max="100" value="${percent}" aria-label="${SYNC.progress}">${percent} %</progress>
      <span>${number(progress.done)} / ${number(total)}</span>
    </div>
    <p class="row">
      ${count(SYNC.succeeded, sync.succeeded, 'good')} ${count(SYNC.unchanged, sync.unchanged, '')}
      ${count(SYNC.skipped, sync.skipped, 'warn')} ${count(SYNC.failed, sync.failed, 'bad')}
    </p>
    ${error !== null && html`<p class="note bad">${SYNC.error}: ${error}</p>`}
    ${facts([
      [SYNC.waitsFor, progress.waitsFor],
      [SYNC.rate, rateText(sync)],
      [SYNC.ends, sync.finishedAt === null && endText(sync)],
      [SYNC.asked, whoWhen(sync.actor, sync.createdAt)],
      [SYNC.why, sync.reason],
      [SYNC.began, time(sync.startedAt)],
      [SYNC.ended, time(sync.finishedAt)],
      [SYNC.scope, scopeText(sync)],
      [SYNC.retryOf, sync.retryOf !== null && syncLink(service, sync.retryOf, SYNC.earlier)],
      [SYNC.planOf, sync.planOf !== null && syncLink(service, sync.planOf, SYNC.plan)],
      [SYNC.comparison, comparisonLink(sync)],
      ['Temporal', sync.links.temporal !== undefined && temporalLink(sync.links)],
    ])}`;
}

/** Whom it is about; what it follows stands on lines of its own. */
function scopeText({ scope }: Sync): string {
  const { planOf: _plan, failedOf: _failed, userIds, ...rest } = scope;
  const people = Array.isArray(userIds) ? SYNC.people(number(userIds.length)) : '';
  return [people, dataText(rest)].filter((text) => text !== '').join(' · ');
}

function count(label: string, value: number, mood: 'good' | 'warn' | 'bad' | ''): Html {
  return tag(`${number(value)} ${label}`, value > 0 ? mood : '');
}

function rateText({ progress, finishedAt }: Sync): string | false {
  const { ratePerSecond, overallPerSecond } = progress;
  if (finishedAt === null && ratePerSecond !== null) return SYNC.rateText(rounded(ratePerSecond));
  return overallPerSecond !== null && SYNC.overall(rounded(overallPerSecond));
}

function rounded(rate: number): string {
  return rate >= 10 ? number(Math.round(rate)) : rate.toFixed(1);
}

function endText({ progress }: Sync): Html {
  return progress.endsAt === null ? html`<span class="soft">${SYNC.endsUnknown}</span>` : time(progress.endsAt);
}

function syncLink(service: string, syncId: string, label: string): Html {
  return html`<a href="${to`/operator/services/${service}/syncs/${syncId}`}">${label}</a>`;
}

function comparisonLink({ links, service }: Sync): Html | false {
  const id = links.reconciliation?.split('/').at(-1);
  if (id === undefined) return false;
  return html`<a href="${to`/operator/services/${service}/comparisons/${id}`}">${SYNC.comparison}</a>`;
}
