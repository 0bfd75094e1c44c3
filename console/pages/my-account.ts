import { ACTION_OF_VERB } from '../../api/service-rows';
import { actionButton } from '../forms';
import { html } from '../html';
import { ME, myPerson } from '../my-person';
import { page } from '../page';
import { followPerson } from '../people-watch';
import { serviceTitle } from '../service-title';
import { reasons } from '../reasons';
import { standingOf, standingTag, standingText, withLinks } from '../standing';
import { table } from '../table';
import { FRAME } from '../texts/frame';
import { ACCOUNT, SERVICES } from '../texts/person';
import { time } from '../time';
import type { ServiceVerb } from '../../api/service-rows';
import type { ExplanationView, OperationView } from '../api-types';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';

const EXPLAIN = 'GET /v1/services/{name}/accounts/{user}';

const account = page({
  method: 'get',
  path: '/services/{name}',
  needs: 'signed in',
  async handler(request) {
    const { name = '' } = request.params;
    const main = html`<div data-live="/my/live/services/${name}">${await content(request)}</div>`;
    const title = await serviceTitle(request.context, name);
    return { kind: 'page', title, main, trail: [{ label: SERVICES.title, url: '/services' }] };
  },
});

const live = page({
  method: 'get',
  path: '/my/live/services/{name}',
  needs: 'signed in',
  async handler(request) {
    return { kind: 'live', parts: contents(request) };
  },
});

async function* contents(request: PageRequest): AsyncGenerator<Html, void> {
  const { id } = await myPerson(request);
  for await (const _ of followPerson(request.context.db, id, request.signal)) yield await content(request);
}

async function content(request: PageRequest): Promise<Html> {
  const { name = '' } = request.params;
  const explained = await request.api.read<ExplanationView>(EXPLAIN, { params: { ...ME, name } });
  const of = explained.account;
  const standing = of === null ? 'none' : standingOf(of);
  return html`${passwords(request, explained)} ${needed(request, explained)}
    <dl class="facts">
      <dt>${ACCOUNT.state}</dt>
      <dd>${standingTag(standing)} ${standingText(standing)}</dd>
      <dt>${ACCOUNT.username}</dt>
      <dd><bdi>${of?.remoteName ?? explained.name.formatted ?? FRAME.none}</bdi></dd>
      <dt>${ACCOUNT.why}</dt>
      <dd>${explained.why}</dd>
      <dt>${ACCOUNT.next}</dt>
      <dd>${explained.nextTry.why} ${time(explained.nextTry.at)}</dd>
      <dt>${ACCOUNT.written}</dt>
      <dd>${time(of?.lastWriteAt, FRAME.never)}</dd>
    </dl>
    ${await buttons(request, explained)}
    <h2>${ACCOUNT.groups}</h2>
    ${groups(explained)}
    <h2>${ACCOUNT.steps}</h2>
    ${steps(explained)}`;
}

/** A password that was asked for: on its way, or waiting to be shown. */
function passwords({ visitor }: PageRequest, { operations }: ExplanationView): readonly Html[] {
  const ready = operations.filter((operation) => operation.secretReady);
  const isComing = operations.some(
    (one) => one.kind === 'resetPassword' && (one.status === 'running' || one.status === 'waiting'),
  );
  return [
    ...ready.map(
      ({ id }: OperationView) =>
        html`<div class="note row">
          <span>${ACCOUNT.passwordReady}</span>
          ${actionButton(visitor, { action: `/my/operations/${id}/secret`, label: ACCOUNT.showPassword, look: 'main' })}
        </div>`,
    ),
    ...(isComing ? [html`<p class="note" role="status">${ACCOUNT.passwordComing}</p>`] : []),
  ];
}

/** The second step of an activation: what the service wants of the person, and the way on. */
function needed({ visitor }: PageRequest, { account: of, service, entitled }: ExplanationView): Html {
  if (of === null || of.instruction === null) return html``;
  return html`<div class="note warn">
    <p><strong>${ACCOUNT.needed}:</strong> ${withLinks(of.instruction)}</p>
    <div class="row">
      ${
        entitled &&
        actionButton(visitor, { action: `/my/services/${service}/activate`, label: ACCOUNT.again, look: 'main' })
      }
      <a class="button" href="/my/linked">${ACCOUNT.linkIt}</a>
    </div>
  </div>`;
}

interface Button {
  readonly verb: ServiceVerb;
  readonly label: string;
  readonly look?: 'main' | 'danger';
  readonly confirm?: string;
  readonly isShown: boolean;
}

/** Shown exactly when the service can do it, it makes sense now, and the API would let this person. */
async function buttons({ api, visitor }: PageRequest, explained: ExplanationView): Promise<Html> {
  const { service, account: of, entitled, actions } = explained;
  const hasAccount = of !== null && ['active', 'pending', 'disabled'].includes(of.status);
  // While the service waits for the person's own step there is nothing there that could have a password.
  const mayHavePassword = hasAccount && entitled && of.status !== 'pending';
  const offered: readonly Button[] = [
    { verb: 'activate', label: ACCOUNT.activate, look: 'main', isShown: !hasAccount && entitled },
    {
      verb: 'reset-password',
      label: ACCOUNT.resetPassword,
      confirm: ACCOUNT.resetAsk,
      isShown: mayHavePassword,
    },
    { verb: 'set-password', label: ACCOUNT.setPassword, isShown: mayHavePassword },
    {
      verb: 'deactivate',
      label: ACCOUNT.deactivate,
      look: 'danger',
      confirm: ACCOUNT.deactivateAsk,
      isShown: hasAccount,
    },
  ];
  const shown = await Promise.all(
    offered
      .filter(({ verb, isShown }) => isShown && actions.includes(ACTION_OF_VERB[verb]))
      .map(async ({ verb, label, look, confirm }) => {
        if (!(await api.may(`POST /v1/users/{user}/services/{name}/${verb}`, { ...ME, name: service }))) return html``;
        const action = `/my/services/${service}/${verb}`;
        return actionButton(visitor, {
          action,
          label,
          ...(look === undefined ? {} : { look }),
          ...(confirm === undefined ? {} : { confirm, fields: SURE }),
        });
      }),
  );
  return html`<div class="row">${shown}</div>`;
}

function groups({ groups: { desired, applied, missing, surplus } }: ExplanationView): Html {
  const gone = (applied ?? []).filter(({ name }) => surplus.includes(name));
  return table({
    caption: ACCOUNT.groups,
    isStacked: true,
    rows: [...desired, ...gone],
    empty: ACCOUNT.groupsNone,
    columns: [
      { label: ACCOUNT.group, show: ({ name }) => html`<bdi>${name}</bdi>` },
      { label: ACCOUNT.because, show: ({ because }) => reasons(because) },
      {
        label: ACCOUNT.standing,
        show: ({ name }) => {
          if (surplus.includes(name)) return ACCOUNT.leaving;
          return missing.includes(name) ? ACCOUNT.joining : ACCOUNT.joined;
        },
      },
    ],
  });
}

function steps({ events }: ExplanationView): Html {
  if (events.length === 0) return html`<p class="empty">${ACCOUNT.stepsNone}</p>`;
  return html`<ol class="steps">
    ${events.map((event) => html`<li>${time(event.at)}<span>${stepText(event)}</span></li>`)}
  </ol>`;
}

/** What was done in a round, where it says so, else the step itself. */
function stepText({ step, data }: ExplanationView['events'][number]): string {
  const did: unknown = data['did'];
  return Array.isArray(did) && did.length > 0 ? did.join(', ') : step;
}

/** Says that somebody was asked whether they mean it. */
const SURE = { sure: 'yes' } as const;

/** What is asked before. */
const QUESTIONS = { deactivate: ACCOUNT.deactivateAsk, 'reset-password': ACCOUNT.resetAsk } as const;

/** The question in a page of its own: the rows of hooks have buttons that ask nothing. */
function question(verb: keyof typeof QUESTIONS): PageDefinition {
  return page({
    method: 'get',
    path: `/my/services/{name}/${verb}`,
    needs: 'signed in',
    async handler({ params: { name = '' }, context, visitor }) {
      const service = await serviceTitle(context, name);
      const [label, look] =
        verb === 'deactivate' ? [ACCOUNT.deactivate, 'danger' as const] : [ACCOUNT.resetPassword, 'main' as const];
      const main = html`<p>${QUESTIONS[verb]}</p>
        <div class="row">
          ${actionButton(visitor, { action: `/my/services/${name}/${verb}`, label, look, fields: SURE })}
          <a class="button" href="/services">${ACCOUNT.leave}</a>
        </div>`;
      const trail = [
        { label: SERVICES.title, url: '/services' },
        { label: service, url: `/services/${name}` },
      ];
      return { kind: 'page', title: ACCOUNT.asks(label, service), main, trail };
    },
  });
}

/** One of the acts that need nothing but the button. What cannot be taken back is asked for first. */
function act(verb: 'activate' | 'deactivate' | 'reset-password'): PageDefinition {
  const route = `POST /v1/users/{user}/services/{name}/${verb}`;
  return page({
    method: 'post',
    path: `/my/services/{name}/${verb}`,
    needs: 'signed in',
    async handler({ api, params, form }): Promise<PageAnswer> {
      const { name = '' } = params;
      if (verb in QUESTIONS && form.get('sure') !== SURE.sure)
        return { kind: 'redirect', to: `/my/services/${name}/${verb}` };
      await api.call(route, { params: { ...ME, name } });
      return { kind: 'redirect', to: `/services/${name}`, said: 'started' };
    },
  });
}

export const myAccountPages: readonly PageDefinition[] = [
  account,
  live,
  question('deactivate'),
  question('reset-password'),
  act('activate'),
  act('deactivate'),
  act('reset-password'),
];
