import { toProblem } from '../../api/problems';
import { actionButton, choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { IMPORTS } from '../texts/operator-organisation';
import { time } from '../time';
import { act, actorText, asked, facts, number, shortList, to } from './parts';
import type { Problem } from '../../api/problem';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';

interface Part {
  readonly count: number;
  readonly names: readonly string[];
}
type Difference = Readonly<Record<string, Part | number>>;

interface Import {
  readonly id: string;
  readonly mode: string;
  readonly actor: string;
  readonly difference: Difference;
  readonly operationId: string | null;
  readonly createdAt: string;
}

interface Draft extends Omit<Import, 'operationId'> {
  readonly expiresAt: string;
}

/** Kept in memory while it is read; what is larger comes through the command line. */
const MAX_BYTES = 64 * 1024 * 1024;

const list = page({
  method: 'get',
  path: '/operator/imports',
  needs: 'GET /v1/imports',
  handler: (request) => shownList(request),
});

async function shownList(request: PageRequest, problem?: Problem): Promise<PageAnswer> {
  const { api, query, url } = request;
  const found = await api.read<Paged<Import>>('GET /v1/imports', { query: asked(query, ['cursor']) });
  const mayUpload = await api.may('POST /v1/imports/drafts');
  const rows = table({
    caption: IMPORTS.caption,
    rows: found.items,
    empty: IMPORTS.none,
    columns: [
      { label: SHARED.when, show: (row) => time(row.createdAt) },
      { label: SHARED.who, show: (row) => html`<bdi>${actorText(row.actor)}</bdi>` },
      { label: IMPORTS.mode, show: (row) => row.mode },
      { label: IMPORTS.difference, show: (row) => html`<span class="small">${summary(row.difference)}</span>` },
      {
        label: IMPORTS.operation,
        show: ({ operationId }) =>
          operationId !== null && html`<a href="${to`/operator/operations/${operationId}`}">${SHARED.details}</a>`,
      },
    ],
  });
  const main = html`${problem !== undefined && refused(problem)}${mayUpload && uploadForm(request)}${rows}
  ${pager(url, found.cursor)}`;
  return { kind: 'page', title: IMPORTS.title, main, ...(problem === undefined ? {} : { problem }) };
}

function refused({ detail, errors }: Problem): Html {
  const lines = errors.slice(0, 50).map((item) => html`<li>${item.pointer}: <bdi>${item.detail}</bdi></li>`);
  return html`<div class="note bad" role="alert">
    <p><strong>${IMPORTS.refused}</strong> ${detail}</p>
    <ul>
      ${lines}
    </ul>
    ${errors.length > lines.length && html`<p class="soft">${SHARED.more(errors.length - lines.length)}</p>`}
  </div>`;
}

function summary(difference: Difference): string {
  return Object.entries(IMPORTS.parts)
    .map(([key, label]) => ({ label, count: countOf(difference[key]) }))
    .filter(({ count }) => count > 0)
    .map(({ label, count }) => `${number(count)} ${label}`)
    .join(', ');
}

function countOf(part: Part | number | undefined): number {
  return typeof part === 'object' ? part.count : (part ?? 0);
}

function uploadForm({ visitor, form }: PageRequest): Html {
  const formats = Object.entries(IMPORTS.formats).map(([value, label]) => ({ value, label }));
  const body = html`<fieldset class="bar">
    <legend>${IMPORTS.upload}</legend>
    <p class="soft">${IMPORTS.intro}</p>
    ${field({ name: 'roster', label: IMPORTS.file, type: 'file', hint: IMPORTS.fileHint, isRequired: true })}
    ${choice({ name: 'format', label: IMPORTS.format, value: form.get('format') ?? 'application/json', options: formats })}
    ${choice({
      name: 'mode',
      label: IMPORTS.mode,
      value: form.get('mode') ?? 'replace',
      options: [
        { value: 'replace', label: IMPORTS.replace },
        { value: 'merge', label: IMPORTS.merge },
      ],
    })}
    <button type="submit" class="main">${IMPORTS.look}</button>
  </fieldset>`;
  return postForm({ action: '/operator/imports/drafts', visitor, body, hasFiles: true });
}

const upload = page({
  method: 'post',
  path: '/operator/imports/drafts',
  needs: 'POST /v1/imports/drafts',
  maxFormBytes: MAX_BYTES,
  async handler(request) {
    const { api, files, form } = request;
    const bytes = files.get('roster') ?? Buffer.alloc(0);
    const contentType = form.get('format') ?? 'application/json';
    try {
      const draft = await api.read<Draft>('POST /v1/imports/drafts', {
        query: { mode: form.get('mode') ?? 'replace' },
        upload: { contentType, bytes },
      });
      return { kind: 'redirect', to: to`/operator/imports/drafts/${draft.id}` };
    } catch (error) {
      const problem = toProblem(error);
      if (!['invalid-roster', 'conflict', 'invalid-request', 'unsupported-media-type'].includes(problem.code))
        throw error;
      return shownList(request, problem);
    }
  },
});

const shown = page({
  method: 'get',
  path: '/operator/imports/drafts/{draftId}',
  needs: 'GET /v1/imports/drafts/{draftId}',
  async handler({ api, params, visitor }) {
    const { draftId = '' } = params;
    const draft = await api.read<Draft>('GET /v1/imports/drafts/{draftId}', { params: { draftId } });
    const mayApply = await api.may('POST /v1/imports/drafts/{draftId}/apply', { draftId });
    const mayDiscard = await api.may('DELETE /v1/imports/drafts/{draftId}', { draftId });
    const url = to`/operator/imports/drafts/${draftId}`;
    const isSame = summary(draft.difference) === '';
    const main = html`${differenceView(draft.difference)}
      <div class="row">
        ${
          mayApply &&
          !isSame &&
          actionButton(visitor, {
            action: `${url}/apply`,
            label: IMPORTS.apply,
            look: 'main',
            confirm: IMPORTS.applyAsk,
          })
        }
        ${mayDiscard && actionButton(visitor, { action: `${url}/delete`, label: IMPORTS.discard })}
      </div>
      ${facts([
        [IMPORTS.mode, draft.mode],
        [SHARED.who, actorText(draft.actor)],
        [IMPORTS.expires, time(draft.expiresAt)],
      ])}`;
    return { kind: 'page', title: IMPORTS.draft, main, trail: [{ label: IMPORTS.title, url: '/operator/imports' }] };
  },
});

function differenceView(difference: Difference): Html {
  const rows = Object.entries(IMPORTS.parts).flatMap(([key, label]) => {
    const part = difference[key];
    return typeof part === 'object' && part.count > 0 ? [{ label, part }] : [];
  });
  return html`${table({
      caption: IMPORTS.draft,
      rows,
      empty: IMPORTS.same,
      columns: [
        { label: IMPORTS.what, show: (row) => row.label },
        { label: IMPORTS.count, kind: 'number', show: (row) => number(row.part.count) },
        {
          label: IMPORTS.who,
          show: ({ part }) =>
            html`${shortList(part.names, 100)}
            ${part.count > part.names.length && part.names.length >= 100 && SHARED.more(part.count - part.names.length)}`,
        },
      ],
    })}
    <p class="soft">${IMPORTS.unchanged(number(countOf(difference['unchanged'])))}</p>`;
}

const apply = page({
  method: 'post',
  path: '/operator/imports/drafts/{draftId}/apply',
  needs: 'POST /v1/imports/drafts/{draftId}/apply',
  async handler({ api, params }) {
    const answer = await api.read<{ readonly operation?: { readonly id: string } }>(
      'POST /v1/imports/drafts/{draftId}/apply',
      { params },
    );
    const { operation } = answer;
    if (operation === undefined) return { kind: 'redirect', to: '/operator/imports', said: 'done' };
    return { kind: 'redirect', to: to`/operator/operations/${operation.id}`, said: 'started' };
  },
});

const discard = act({
  path: '/operator/imports/drafts/{draftId}/delete',
  route: 'DELETE /v1/imports/drafts/{draftId}',
  to: () => '/operator/imports',
  said: 'deleted',
});

export const importPages: readonly PageDefinition[] = [list, upload, shown, apply, discard];
