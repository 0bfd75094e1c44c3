import { actionButton } from '../forms';
import { html, safeUrl } from '../html';
import { ME } from '../my-person';
import { page } from '../page';
import { table } from '../table';
import { LINKED } from '../texts/person';
import { SAID } from '../texts/said';
import { time } from '../time';
import type { LinkedView } from '../api-types';
import type { PageAnswer, PageDefinition, PageRequest, Visitor } from '../page';
import type { Html } from '../html';

const LIST = 'GET /v1/users/{user}/external';

interface Start {
  readonly authorizationId: string;
  readonly authorizationUrl?: string;
  readonly code?: string;
  readonly expiresAt: string;
}

const list = page({
  method: 'get',
  path: '/my/linked',
  needs: LIST,
  needsParams: ME,
  async handler({ api, visitor, query }) {
    const { items } = await api.read<{ readonly items: readonly LinkedView[] }>(LIST, { params: ME });
    const main = html`${outcome(query)}
    ${table<LinkedView>({
      caption: LINKED.caption,
      isStacked: true,
      rows: items,
      empty: LINKED.none,
      columns: [
        { label: LINKED.kind, show: ({ title }) => title },
        { label: LINKED.account, show: accountText },
        { label: LINKED.since, show: ({ linkedAt }) => time(linkedAt) },
        { label: LINKED.link, kind: 'actions', show: (row) => buttons(row, visitor) },
      ],
    })}`;
    return { kind: 'page', title: LINKED.title, main };
  },
});

/** Where a browser comes back to from another side: `?authorization=…&status=…`. */
function outcome(query: URLSearchParams): Html {
  const status = query.get('status');
  if (status === null) return html``;
  if (status === 'completed') return html`<p class="said" role="status">${SAID.linked}</p>`;
  return html`<p class="${status === 'answered' ? 'note' : 'note bad'}" role="status">
    ${status === 'answered' ? LINKED.waiting : LINKED.failed}
  </p>`;
}

function accountText({ linked, problem, data }: LinkedView): Html {
  if (!linked) return html`<span class="soft">${LINKED.notLinked}</span>`;
  const named = ['name', 'username', 'displayName', 'email', 'id']
    .map((key) => data[key])
    .find((value) => typeof value === 'string' || typeof value === 'number');
  return html`<bdi>${typeof named === 'string' || typeof named === 'number' ? named : ''}</bdi>
    ${problem !== null && html`<span class="tag warn">${problem}</span>`}`;
}

function buttons({ type, title, linked, problem }: LinkedView, visitor: Visitor): Html {
  const begin = actionButton(visitor, {
    action: `/my/linked/${type}`,
    label: linked ? LINKED.again : LINKED.link,
    look: 'main',
    about: title,
  });
  const remove = actionButton(visitor, {
    action: `/my/linked/${type}/unlink`,
    label: LINKED.unlink,
    look: 'danger',
    confirm: LINKED.unlinkAsk,
    about: title,
  });
  return html`${(!linked || problem !== null) && begin} ${linked && remove}`;
}

/** The first step. What the other side needs is on the next page: no form of ours may lead elsewhere. */
const begin = page({
  method: 'post',
  path: '/my/linked/{type}',
  needs: 'signed in',
  async handler(request) {
    const { api, params, headers } = request;
    const { type = '' } = params;
    const answer = await api.call('POST /v1/users/{user}/external/{type}', {
      params: { ...ME, type },
      query: { returnTo: '/my/linked' },
      headers: { 'sec-fetch-site': headers['sec-fetch-site'] ?? 'same-origin', cookie: headers['cookie'] ?? '' },
    });
    return onwards(request, answer.body as Start, answer.headers?.['Set-Cookie']);
  },
});

async function onwards({ api, params }: PageRequest, start: Start, cookie: string | undefined): Promise<PageAnswer> {
  const { type = '' } = params;
  const { items } = await api.read<{ readonly items: readonly LinkedView[] }>(LIST, { params: ME });
  const title = items.find((one) => one.type === type)?.title ?? type;
  const { authorizationUrl, code, expiresAt } = start;
  const main = html`<p>${LINKED.onwardsText}</p>
    ${code !== undefined && html`<p>${LINKED.code} <code class="secret">${code}</code></p>`}
    ${
      authorizationUrl !== undefined &&
      html`<p>
        <a class="button main" href="${safeUrl(authorizationUrl)}" rel="noreferrer">${LINKED.go(title)}</a>
      </p>`
    }
    <p class="soft">${LINKED.ends} ${time(new Date(expiresAt))}</p>`;
  return {
    kind: 'page',
    title: LINKED.onwards(title),
    main,
    trail: [{ label: LINKED.title, url: '/my/linked' }],
    ...(cookie === undefined ? {} : { headers: { 'Set-Cookie': cookie } }),
  };
}

const unlink = page({
  method: 'post',
  path: '/my/linked/{type}/unlink',
  needs: 'signed in',
  async handler({ api, params: { type = '' } }) {
    await api.call('DELETE /v1/users/{user}/external/{type}', { params: { ...ME, type } });
    return { kind: 'redirect', to: '/my/linked', said: 'unlinked' };
  },
});

export const myLinkedPages: readonly PageDefinition[] = [list, begin, unlink];
