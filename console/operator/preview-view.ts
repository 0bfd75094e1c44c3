import { html } from '../html';
import { table } from '../table';
import { SHARED } from '../texts/operator';
import { SETTINGS } from '../texts/operator-service';
import { accountLink, number, shortList, tag } from './parts';
import type { Html } from '../html';

interface User {
  readonly id: string;
  readonly username: string;
}

/** What `POST /v1/services/{name}/preview` answers. */
export interface Preview {
  readonly mapping: {
    readonly changes: number;
    readonly sources: readonly {
      readonly kind: string;
      readonly name: string;
      readonly before: readonly string[];
      readonly after: readonly string[];
      readonly isRename: boolean;
    }[];
    readonly people: number;
    readonly gained: number;
    readonly lost: number;
    readonly guardLeft: number;
    readonly examples: readonly {
      readonly user: User;
      readonly gains: readonly string[];
      readonly loses: readonly string[];
    }[];
  };
  readonly names: {
    readonly examined: number;
    readonly changed: number;
    readonly impossible: number;
    readonly examples: readonly {
      readonly user: User;
      readonly state: string;
      readonly before: string;
      readonly after: string;
      readonly nicknameBefore: string;
      readonly nicknameAfter: string;
    }[];
  };
}

/** Whom other rules and formats would change, in words and with examples. */
export function previewView(service: string, { mapping, names }: Preview): Html {
  const isSame = mapping.changes === 0 && names.changed === 0;
  return html`<section class="preview" role="status" aria-label="${SETTINGS.previewTitle}">
    <h2>${SETTINGS.previewTitle}</h2>
    ${isSame && html`<p>${SETTINGS.previewSame}</p>`} ${mapping.changes > 0 && mappingView(service, mapping)}
    ${namesView(service, names)}
  </section>`;
}

function mappingView(service: string, mapping: Preview['mapping']): Html {
  return html`<p>
      ${SETTINGS.previewGroups(number(mapping.changes))}
      ${SETTINGS.previewPeople(number(mapping.people), number(mapping.gained), number(mapping.lost))}
    </p>
    ${mapping.lost > 0 && html`<p class="note warn">${SETTINGS.previewGuard(number(mapping.guardLeft))}</p>`}
    ${table({
      caption: SETTINGS.sourcesCaption,
      rows: mapping.sources,
      empty: SETTINGS.previewSame,
      columns: [
        { label: SETTINGS.source, show: (row) => html`<bdi>${row.name}</bdi> <span class="soft">${row.kind}</span>` },
        { label: SETTINGS.before, show: (row) => shortList(row.before) },
        {
          label: SETTINGS.after,
          show: (row) => html`${shortList(row.after)} ${row.isRename && tag(SETTINGS.rename)}`,
        },
      ],
    })}
    ${
      mapping.examples.length > 0 &&
      table({
        caption: SETTINGS.peopleCaption,
        rows: mapping.examples,
        empty: '',
        columns: [
          { label: SHARED.user, show: (row) => accountLink(service, row.user) },
          { label: SETTINGS.gains, show: (row) => shortList(row.gains) },
          { label: SETTINGS.loses, show: (row) => shortList(row.loses) },
        ],
      })
    }
    ${
      mapping.people > mapping.examples.length &&
      html`<p class="soft">${SHARED.more(mapping.people - mapping.examples.length)}</p>`
    }`;
}

function namesView(service: string, names: Preview['names']): Html {
  return html`<p>${SETTINGS.previewNames(number(names.changed), number(names.examined))}</p>
    ${names.impossible > 0 && html`<p class="note bad">${SETTINGS.previewImpossible(number(names.impossible))}</p>`}
    ${table({
      caption: SETTINGS.namesCaption,
      rows: names.examples,
      empty: SHARED.none,
      columns: [
        { label: SHARED.user, show: (row) => accountLink(service, row.user) },
        { label: SHARED.status, show: (row) => row.state },
        { label: SETTINGS.before, show: (row) => html`<bdi class="mono">${row.before}</bdi>` },
        { label: SETTINGS.after, show: (row) => changed(row.before, row.after) },
        { label: SETTINGS.nickname, show: (row) => changed(row.nicknameBefore, row.nicknameAfter) },
      ],
    })}`;
}

function changed(before: string, after: string): Html {
  return before === after ? html`<bdi>${after}</bdi>` : html`<strong><bdi>${after}</bdi></strong>`;
}
