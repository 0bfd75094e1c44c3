import { html } from '../html';
import { ME, myPerson } from '../my-person';
import { page } from '../page';
import { reasons } from '../reasons';
import { serviceTitles } from '../service-title';
import { table } from '../table';
import { GROUPS } from '../texts/person';
import type { AccountView, ExplanationView } from '../api-types';
import type { PageDefinition, PageRequest } from '../page';

interface GroupThere {
  readonly service: string;
  readonly name: string;
  readonly because: ExplanationView['groups']['desired'][number]['because'];
}

/** The person's groups here, and those at the services with what they stem from. */
const groups = page({
  method: 'get',
  path: '/my/groups',
  needs: 'GET /v1/users/{user}/accounts',
  needsParams: ME,
  async handler(request) {
    const person = await myPerson(request);
    const there = await groupsThere(request);
    const titles = await serviceTitles(
      request.context,
      there.map(({ service }) => service),
    );
    const main = html`<dl class="facts">
        <dt>${GROUPS.state}</dt>
        <dd><span class="tag">${person.state}</span></dd>
      </dl>
      <p class="soft">${GROUPS.stateText}</p>
      ${table({
        caption: GROUPS.caption,
        rows: person.groups,
        empty: GROUPS.none,
        columns: [{ label: GROUPS.group, show: (name) => html`<bdi>${name}</bdi>` }],
      })}
      <h2>${GROUPS.there}</h2>
      ${table<GroupThere>({
        caption: GROUPS.thereCaption,
        isStacked: true,
        rows: there,
        empty: GROUPS.thereNone,
        columns: [
          { label: GROUPS.groupThere, show: ({ name }) => html`<bdi>${name}</bdi>` },
          {
            label: GROUPS.service,
            show: ({ service }) => html`<a href="/services/${service}">${titles.get(service) ?? service}</a>`,
          },
          { label: GROUPS.because, show: ({ because }) => reasons(because) },
        ],
      })}`;
    return { kind: 'page', title: GROUPS.title, main };
  },
});

async function groupsThere({ api }: PageRequest): Promise<readonly GroupThere[]> {
  const { items } = await api.read<{ readonly items: readonly AccountView[] }>('GET /v1/users/{user}/accounts', {
    params: ME,
  });
  const kept = items.filter(({ status }) => status !== 'removed' && status !== 'none');
  const explained = await Promise.all(
    kept.map(({ service: name }) =>
      api.read<ExplanationView>('GET /v1/services/{name}/accounts/{user}', { params: { ...ME, name } }),
    ),
  );
  return explained.flatMap(({ service, groups: { desired } }) =>
    desired.map(({ name, because }) => ({ service, name, because })),
  );
}

export const myGroupPages: readonly PageDefinition[] = [groups];
