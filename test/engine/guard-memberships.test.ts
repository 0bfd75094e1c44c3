import { addMembers, createGroup, removeMembers } from '../../store/groups';
import { listStaged } from '../../store/guard-decisions';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { addMember, allQuiet, BY, eventually, grantMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const target = new ScriptedTarget();
let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { kind: 'far' })) });
});
afterAll(() => engine.close());

describe('a membership whose removal the guard holds back', () => {
  test('waits for nobody after the person is back in the group', async () => {
    const none = { minimum: 0, percent: 0, maximum: 0 };
    const service = await engine.addService({
      name: 'far',
      connector: 'far',
      mapping: { groups: { default: 'by name' } },
      guard: { 'group removal': none },
    });
    await grantMembers(engine, service.id);
    const userId = await addMember(engine, 'ada');
    const crew = await createGroup(engine.db, 'crew', BY);
    await send(crew);
    const membership = { groupId: crew.record.id, userIds: [userId], by: BY };
    await settled(engine, await addMembers(engine.db, membership));
    expect(target.byName('ada')?.groups).toHaveLength(1);
    const staged = () => listStaged(engine.db, { serviceId: service.id, limit: 10 });

    await send(await removeMembers(engine.db, membership));
    await eventually('the removal is staged', async () => (await staged()).length === 1);
    await send(await addMembers(engine.db, membership));
    await allQuiet(engine, service.id);

    expect(await staged()).toEqual([]);
    expect(target.byName('ada')?.groups).toHaveLength(1);
  });
});

async function send({ change }: { readonly change: { readonly changeId: number } | undefined }): Promise<void> {
  await engine.flow.changed(change?.changeId ?? 0);
}
