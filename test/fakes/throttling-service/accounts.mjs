/** The little service behind the throttle: accounts and groups in memory, found again by the caller's own key. */

/** @returns what each route does: answers `[status, body]`. */
export function createAccounts() {
  const accounts = new Map();
  const groups = new Map();
  /** Who has a name: looking through all accounts would make the service slower with each of them. */
  const holders = new Map();
  const nameTaken = (name, key) => holders.has(name) && holders.get(name) !== key;
  const put = (key, account) => {
    const before = accounts.get(key);
    if (before !== undefined) holders.delete(before.name);
    accounts.set(key, account);
    holders.set(account.name, key);
  };
  const remove = (key) => {
    holders.delete(accounts.get(key)?.name);
    return accounts.delete(key);
  };
  let made = 0;
  const routes = {
    'GET /health': () => [200, { ok: true }],
    'GET /accounts': ({ query }) => {
      const from = Number(query.get('cursor') ?? 0);
      const items = [...accounts.values()].slice(from, from + 100);
      return [200, { items, ...(from + 100 < accounts.size ? { next: String(from + 100) } : {}) }];
    },
    'GET /accounts/{}': ({ id }) => (accounts.has(id) ? [200, accounts.get(id)] : [404, { error: 'no such account' }]),
    'POST /accounts': ({ body }) => {
      const known = accounts.get(body.key);
      if (known !== undefined) return [200, known];
      if (nameTaken(body.name, body.key)) return [409, { error: 'the name is taken' }];
      const account = { ...body, id: body.key, enabled: true, groups: [] };
      put(body.key, account);
      made += 1;
      return [201, account];
    },
    'PATCH /accounts/{}': ({ id, body }) => {
      const account = accounts.get(id);
      if (account === undefined) return [404, { error: 'no such account' }];
      if (body.name !== undefined && nameTaken(body.name, id)) return [409, { error: 'the name is taken' }];
      put(id, { ...account, ...body });
      return [200, accounts.get(id)];
    },
    'DELETE /accounts/{}': ({ id }) => (remove(id) ? [204] : [404, { error: 'no such account' }]),
    'PUT /accounts/{}/groups': ({ id, body }) => {
      const account = accounts.get(id);
      if (account === undefined) return [404, { error: 'no such account' }];
      const kept = account.groups.filter((group) => !body.managed.includes(group));
      accounts.set(id, { ...account, groups: [...kept, ...body.wanted].sort() });
      return [200, accounts.get(id)];
    },
    'GET /groups': () => [200, { items: [...groups.values()] }],
    'POST /groups': ({ body }) => {
      const known = groups.get(body.key);
      const group = { id: body.key, ...body };
      groups.set(body.key, group);
      return [known === undefined ? 201 : 200, group];
    },
    'PATCH /groups/{}': ({ id, body }) => {
      if (!groups.has(id)) return [404, { error: 'no such group' }];
      groups.set(id, { ...groups.get(id), ...body });
      return [200, groups.get(id)];
    },
  };
  return {
    routes,
    count: () => ({ accounts: accounts.size, made, groups: groups.size }),
    all: () => [...accounts.values()],
    clear: () => {
      accounts.clear();
      holders.clear();
      groups.clear();
      made = 0;
    },
  };
}

/** `PATCH /accounts/{}` and the id for `PATCH /accounts/42`. */
export function routeOf(method, pathname) {
  const parts = pathname.split('/').filter((part) => part !== '');
  const id = parts[1] === undefined ? undefined : decodeURIComponent(parts[1]);
  const shape = [parts[0], ...(id === undefined ? [] : ['{}']), ...parts.slice(2)].join('/');
  return { route: `${method} /${shape}`, id };
}
