import { countUnread } from '../store/notifications';
import { runsServices } from './operator/landing';
import { FRAME } from './texts/frame';
import { SHARED } from './texts/operator';
import type { PageRequest } from './page';

/** An entry of the main menu. */
export interface MenuEntry {
  readonly label: string;
  readonly url: string;
  /** Unread ones, shown beside the label. */
  readonly count?: number;
}

/** Entries that belong together. */
export interface MenuSection {
  readonly label: string;
  readonly entries: readonly MenuEntry[];
}

interface Offered {
  readonly label: string;
  readonly url: string;
  /** As a page's: the route that decides whether it is shown. */
  readonly needs: string;
  /** Only for who is a person, with accounts of their own. */
  readonly isPersonal?: boolean;
  /** In place of what the route says. */
  readonly isFor?: (request: PageRequest) => Promise<boolean>;
}

/** Its entry says how many are unread. */
const NOTIFICATIONS_URL = '/my/notifications';

const PERSONAL: readonly Offered[] = [
  { label: FRAME.services, url: '/services', needs: 'GET /v1/users/{user}/services', isPersonal: true },
  { label: FRAME.groups, url: '/my/groups', needs: 'GET /v1/users/{user}/accounts', isPersonal: true },
  { label: FRAME.linked, url: '/my/linked', needs: 'GET /v1/users/{user}/external', isPersonal: true },
  {
    label: FRAME.notifications,
    url: NOTIFICATIONS_URL,
    needs: 'GET /v1/users/{user}/notifications',
    isPersonal: true,
  },
];

/** What operators see: operator pages add their entries here. */
const OPERATOR: readonly Offered[] = [
  { label: SHARED.overview, url: '/operator', needs: 'GET /v1/overview', isFor: runsServices },
  { label: SHARED.people, url: '/operator/people', needs: 'GET /v1/users' },
  { label: SHARED.groups, url: '/operator/groups', needs: 'GET /v1/groups' },
  { label: SHARED.states, url: '/operator/states', needs: 'GET /v1/states' },
  { label: SHARED.grants, url: '/operator/grants', needs: 'GET /v1/grants' },
  { label: SHARED.imports, url: '/operator/imports', needs: 'GET /v1/imports' },
  { label: SHARED.operations, url: '/operator/operations', needs: 'GET /v1/operations' },
  { label: SHARED.audit, url: '/operator/audit', needs: 'GET /v1/audit' },
  { label: SHARED.clients, url: '/operator/clients', needs: 'GET /v1/auth/clients/all' },
  { label: SHARED.tokens, url: '/operator/tokens', needs: 'GET /v1/auth/tokens/all' },
  { label: SHARED.roles, url: '/operator/roles', needs: 'GET /v1/auth/roles' },
];

/** The menu of this visitor: what they may not open is not in it. */
export async function menuOf(request: PageRequest): Promise<readonly MenuSection[]> {
  const sections = [
    { label: FRAME.person, entries: await allowed(request, PERSONAL) },
    { label: FRAME.operator, entries: await allowed(request, OPERATOR) },
    { label: FRAME.modules, entries: await moduleEntries(request) },
  ];
  return sections.filter(({ entries }) => entries.length > 0);
}

async function allowed(request: PageRequest, offered: readonly Offered[]): Promise<readonly MenuEntry[]> {
  const { principal } = request.visitor;
  const answers = await Promise.all(
    offered.map(async ({ label, url, needs, isFor, isPersonal = false }) => {
      if (isPersonal && principal.userId === undefined) return undefined;
      const may = isFor?.(request) ?? request.api.may(needs, isPersonal ? { user: 'me' } : {});
      if (!(await may)) return undefined;
      return { label, url, ...(url === NOTIFICATIONS_URL ? { count: await unread(request) } : {}) };
    }),
  );
  return answers.filter((entry) => entry !== undefined);
}

async function unread({ context, visitor }: PageRequest): Promise<number> {
  return countUnread(context.db, visitor.principal.userId ?? null);
}

/** What modules registered, in their order. Only paths of ours and web addresses become links. */
async function moduleEntries({ api }: PageRequest): Promise<readonly MenuEntry[]> {
  if (!(await api.may('GET /v1/menu'))) return [];
  const { items } = await api.read<{ readonly items: readonly MenuEntry[] }>('GET /v1/menu');
  return items;
}
