import { actionButton } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { IDENTITY } from '../texts/operator-organisation';
import { time } from '../time';
import { act, actorText, asked, to } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Column, Paged } from '../table';

export interface Token {
  readonly id: string;
  readonly client: string;
  readonly purpose: string;
  readonly acl: readonly string[] | null;
  readonly title: string;
  readonly issuedBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

const allTokens = page({
  method: 'get',
  path: '/operator/tokens',
  needs: 'GET /v1/auth/tokens/all',
  async handler(request) {
    const { api, query, url } = request;
    const found = await api.read<Paged<Token>>('GET /v1/auth/tokens/all', {
      query: asked(query, ['cursor', 'client', 'role']),
    });
    const main = html`${await tokenTable(request, found.items)}${pager(url, found.cursor)}`;
    return { kind: 'page', title: IDENTITY.tokens, main };
  },
});

/** Tokens without themselves, each with the button that ends it. */
export async function tokenTable({ api, visitor }: PageRequest, items: readonly Token[]): Promise<Html> {
  const may = await Promise.all(
    items.map(({ id: tokenId }) => api.may('DELETE /v1/auth/tokens/{tokenId}', { tokenId })),
  );
  const columns: readonly Column<Token>[] = [
    { label: SHARED.name, show: (row) => html`<bdi>${row.title === '' ? row.purpose : row.title}</bdi>` },
    { label: IDENTITY.purpose, show: (row) => row.purpose },
    {
      label: SHARED.details,
      show: (row) => html`<code class="small">${row.acl === null ? IDENTITY.all : row.acl.join(' ')}</code>`,
    },
    { label: IDENTITY.issuedBy, show: (row) => html`<bdi class="small">${actorText(row.issuedBy)}</bdi>` },
    { label: IDENTITY.created, show: (row) => time(row.createdAt) },
    { label: IDENTITY.expires, show: (row) => time(row.expiresAt) },
    {
      label: SHARED.actions,
      kind: 'actions',
      show: (row) =>
        may[items.indexOf(row)] === true &&
        actionButton(visitor, {
          action: to`/operator/tokens/${row.id}/end`,
          label: IDENTITY.endToken,
          look: 'danger',
          about: row.title,
          fields: { client: row.client },
        }),
    },
  ];
  return table({ caption: IDENTITY.tokensCaption, rows: items, empty: IDENTITY.tokensNone, columns });
}

const endToken = act({
  path: '/operator/tokens/{tokenId}/end',
  route: 'DELETE /v1/auth/tokens/{tokenId}',
  // Everybody may end their own; this page of it is for operators.
  needs: 'GET /v1/auth/tokens/all',
  to: (_params, form) => to`/operator/clients/${form.get('client') ?? ''}`,
  said: 'ended',
});

export const tokenPages: readonly PageDefinition[] = [allTokens, endToken];
