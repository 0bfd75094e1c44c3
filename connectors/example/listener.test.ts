import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hookOverrides, managerAbilities } from '@muster/sdk';
import type { HookUser, WorkflowPort } from '@muster/sdk';
import { listener } from '.';
import { ListenerHook } from './listener';

describe('listener', () => {
  const port: WorkflowPort = {
    start: refuse,
    bulk: refuse,
    remove: refuse,
    password: refuse,
    granted: async () => true,
    account: refuse,
    linked: refuse,
  };
  const person: HookUser = {
    id: '1',
    username: 'ada',
    displayName: 'Ada',
    email: null,
    active: true,
    state: 'Member',
    attributes: {},
    groups: ['crew'],
  };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'listener-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  test('it writes every call and starts no workflow', async () => {
    const file = join(folder, 'calls.jsonl');
    const hook = new ListenerHook({
      service: { name: 'audit', title: undefined, url: undefined, settings: { file } },
      port,
      storage: { query: refuse },
    });

    await hook.createAccount(person);
    await hook.updateGroupsBulk([person, { ...person, id: '2' }]);
    await hook.updateAllGroups();
    expect(await hook.deleteUser(person)).toBe('nothing there');

    const lines = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatchObject({
      service: 'audit',
      call: 'createAccount',
      userId: '1',
      groups: ['crew'],
      state: 'Member',
    });
    expect(lines[2]).toMatchObject({ call: 'updateGroupsBulk', userId: '2' });
  });

  test('it has no manager, and its overrides can be read', () => {
    const service = { name: 'audit', title: undefined, url: undefined, settings: {} };
    const hook = listener.hook?.({ service, port, storage: { query: refuse } });

    expect(managerAbilities(listener.manager)).toEqual([]);
    expect(hook && [...hookOverrides(hook)]).toEqual(expect.arrayContaining(['createAccount', 'updateGroupsBulk']));
  });
});

async function refuse(): Promise<never> {
  throw new Error('the listener must not start anything');
}
