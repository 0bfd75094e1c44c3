import { runsServices } from '../operator/landing';
import { page } from '../page';
import type { PageDefinition } from '../page';

/** The first page: a person's services, else what there is to operate, else ones own sign-in. */
const home = page({
  method: 'get',
  path: '/',
  needs: 'signed in',
  async handler(request) {
    const { visitor } = request;
    if (visitor.principal.userId !== undefined) return { kind: 'redirect', to: '/services' };
    return { kind: 'redirect', to: (await runsServices(request)) ? '/operator' : '/my/sign-in' };
  },
});

export const homePages: readonly PageDefinition[] = [home];
