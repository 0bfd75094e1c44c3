import { page } from '../page';
import type { PageDefinition } from '../page';

/** The first page: a person's services, else what there is to operate, else ones own sign-in. */
const home = page({
  method: 'get',
  path: '/',
  needs: 'signed in',
  async handler({ visitor, api }) {
    if (visitor.principal.userId !== undefined) return { kind: 'redirect', to: '/services' };
    const isOperator = await api.may('GET /v1/services');
    return { kind: 'redirect', to: isOperator ? '/operator' : '/my/sign-in' };
  },
});

export const homePages: readonly PageDefinition[] = [home];
