import { operatorPages } from '../../console/operator/pages';
import type { Page } from 'playwright-core';
import type { ConsoleScene } from './scene';

/** Pages of one kind of thing, whose id has the same name as that of another. */
const OTHERS: Readonly<Record<string, string>> = {
  '/operator/services/{name}/syncs/{syncId}/plan': '/operator/services/wiki/syncs/{planId}/plan',
};

/**
 * Where every page for operators stands in a scene in which the service `wiki` was added with a plan, as by `tellStories`. A new page is in
 * it by itself. @throws Error for a page with a part of its address that nobody fills here
 */
export async function operatorAddresses(scene: ConsoleScene): Promise<readonly string[]> {
  const known = await knownIds(scene);
  const pages = operatorPages.filter(({ method, path }) => method === 'get' && !path.endsWith('/live'));
  return pages.map(({ path }) =>
    (OTHERS[path] ?? path).replace(/\{(\w+)\}/g, (_all, name: string) => {
      const value = known[name];
      if (value === undefined) throw new Error(`${path}: nothing is known as ${name}; make one in the scene`);
      return encodeURIComponent(value);
    }),
  );
}

interface Listed {
  readonly items: readonly { readonly id: string; readonly dryRun?: boolean; readonly name?: string }[];
}

async function knownIds({ api }: ConsoleScene): Promise<Readonly<Record<string, string | undefined>>> {
  const read = async (path: string): Promise<Listed> => (await api.call('get', path).expect(200)).body as Listed;
  const first = async (path: string): Promise<string | undefined> => (await read(path)).items[0]?.id;
  const syncs = (await read('/v1/services/wiki/syncs')).items;
  const compared = await api.call('post', '/v1/services/wiki/reconciliations').send({ mode: 'report' });
  const draft = await api.call('post', '/v1/imports/drafts?mode=merge').send({ users: [{ username: 'drafted' }] });
  const person = (await read('/v1/users?limit=1')).items[0]?.id;
  return {
    name: 'wiki',
    kind: 'ldap',
    user: person,
    group: await first('/v1/groups'),
    client: await first('/v1/auth/clients/all'),
    operationId: await first('/v1/operations?status=succeeded'),
    reconciliationId: (compared.body as { readonly id?: string }).id,
    draftId: (draft.body as { readonly id?: string }).id,
    syncId: syncs.find(({ dryRun }) => dryRun === false)?.id,
    planId: syncs.find(({ dryRun }) => dryRun === true)?.id,
  };
}

/** How much wider than the window a page is: tables scroll in their own box, pages do not. */
export function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
}
