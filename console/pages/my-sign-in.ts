import { browsersOf } from '../../store/console-sessions';
import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { newKey } from '../session';
import { pager, table } from '../table';
import { MY_SIGN_IN } from '../texts/person';
import { time } from '../time';
import type { TokenView } from '../api-types';
import type { Html } from '../html';
import type { Paged } from '../table';
import type { PageDefinition, PageRequest } from '../page';

interface Caller {
  readonly client: { readonly name: string; readonly provider: string; readonly roles: readonly string[] } | null;
}

const show = page({
  method: 'get',
  path: '/my/sign-in',
  needs: 'signed in',
  async handler(request) {
    const { client } = await request.api.read<Caller>('GET /v1/auth');
    const main = html`<dl class="facts">
        <dt>${MY_SIGN_IN.login}</dt>
        <dd><bdi>${client?.name}</bdi></dd>
        <dt>${MY_SIGN_IN.provider}</dt>
        <dd>${client?.provider}</dd>
        <dt>${MY_SIGN_IN.roles}</dt>
        <dd>${client?.roles.join(', ') || MY_SIGN_IN.rolesNone}</dd>
      </dl>
      ${passwordForm(request, client?.provider ?? '')}
      <h2>${MY_SIGN_IN.sessions}</h2>
      ${await sessions(request)}`;
    return { kind: 'page', title: MY_SIGN_IN.title, main };
  },
});

/** Only where the provider lets people change their own password. */
function passwordForm({ context, visitor }: PageRequest, provider: string): Html {
  const fields = context.identity.providers.get(provider)?.provider.selfUpdateClientPackage;
  const isOffered = fields?.safeParse({ currentPassword: 'long enough', password: 'long enough' }).success === true;
  if (!isOffered) return html``;
  const body = html`${field({
      name: 'currentPassword',
      label: MY_SIGN_IN.current,
      type: 'password',
      autocomplete: 'current-password',
      isRequired: true,
    })}
    ${field({
      name: 'password',
      label: MY_SIGN_IN.newPassword,
      type: 'password',
      autocomplete: 'new-password',
      isRequired: true,
    })}
    <p><button type="submit">${MY_SIGN_IN.change}</button> <span class="soft">${MY_SIGN_IN.changeText}</span></p>`;
  return html`<h2>${MY_SIGN_IN.password}</h2>
    ${postForm({ action: '/my/sign-in/password', visitor, body })}`;
}

async function sessions({ api, visitor, context, query, url }: PageRequest): Promise<Html> {
  const found = await api.read<Paged<TokenView>>('GET /v1/auth/tokens', {
    query: { cursor: query.get('cursor') ?? undefined },
  });
  const browsers = await browsersOf(
    context.db,
    found.items.map(({ id }) => id),
  );
  const what = (token: TokenView): Html => {
    const browser = browsers.get(token.id)?.browser;
    if (token.id === visitor.principal.tokenId)
      return html`${browserName(browser)} <span class="tag good">${MY_SIGN_IN.thisOne}</span>`;
    if (browser !== undefined) return html`${browserName(browser)}`;
    if (token.title !== '') return html`${token.title}`;
    return html`${token.purpose === 'session' ? MY_SIGN_IN.session : MY_SIGN_IN.token}`;
  };
  return html`${table<TokenView>({
      caption: MY_SIGN_IN.sessionsCaption,
      isStacked: true,
      rows: found.items,
      empty: '',
      columns: [
        { label: MY_SIGN_IN.what, show: what },
        { label: MY_SIGN_IN.since, show: ({ createdAt }) => time(createdAt) },
        { label: MY_SIGN_IN.seen, show: ({ id }) => time(browsers.get(id)?.seenAt) },
        { label: MY_SIGN_IN.until, show: ({ expiresAt }) => time(expiresAt) },
        {
          label: MY_SIGN_IN.end,
          kind: 'actions',
          show: ({ id, createdAt }) =>
            actionButton(visitor, {
              action: `/my/sign-in/tokens/${id}/end`,
              label: MY_SIGN_IN.end,
              about: createdAt.slice(0, 16),
            }),
        },
      ],
    })}
    ${pager(url, found.cursor)}
    <div class="row">
      ${actionButton(visitor, {
        action: '/my/sign-in/end-all',
        label: MY_SIGN_IN.endAll,
        look: 'danger',
        confirm: MY_SIGN_IN.endAllAsk,
      })}
    </div>`;
}

/** Where the word is not the name. */
const BROWSERS: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera' };

/** Of what browsers say about themselves the part that people know. */
function browserName(text: string | undefined): string {
  const name = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(text ?? '')?.[1] ?? MY_SIGN_IN.browser;
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(text ?? '')?.[1];
  const known = BROWSERS[name] ?? name;
  return system === undefined ? known : `${known}, ${system}`;
}

const changePassword = page({
  method: 'post',
  path: '/my/sign-in/password',
  needs: 'POST /v1/auth/clients',
  async handler({ api, form }) {
    const body = { currentPassword: form.get('currentPassword') ?? '', password: form.get('password') ?? '' };
    await api.call('POST /v1/auth/clients', { body });
    return { kind: 'redirect', to: '/sign-in', said: 'password-set', key: newKey() };
  },
});

const endOne = page({
  method: 'post',
  path: '/my/sign-in/tokens/{token}/end',
  needs: 'signed in',
  async handler({ api, params }) {
    await api.call('DELETE /v1/auth/tokens/{tokenId}', { params: { tokenId: params['token'] ?? '' } });
    return { kind: 'redirect', to: '/my/sign-in', said: 'ended' };
  },
});

const endAll = page({
  method: 'post',
  path: '/my/sign-in/end-all',
  needs: 'DELETE /v1/auth/tokens',
  async handler({ api }) {
    await api.call('DELETE /v1/auth/tokens');
    return { kind: 'redirect', to: '/sign-in', said: 'signed-out-everywhere', key: newKey() };
  },
});

export const mySignInPages: readonly PageDefinition[] = [show, changePassword, endOne, endAll];
