import { Client, Connection } from '@temporalio/client';
import { Rejected } from '../../sdk/index';
import { createUser } from '../../store/users';
import { accountWorkflowId } from '../../workflows/contracts';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, BY, grantMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const target = new ScriptedTarget();
let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
});
afterAll(() => engine.close());

async function workflowEnds(workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    await new Client({ connection, namespace: engine.namespace }).workflow.getHandle(workflowId).result();
  } finally {
    await connection.close();
  }
}

test('a poke that says nothing new asks the service for nothing before the next try', async () => {
  const service = await engine.addService({ name: 'poked', connector: 'scripted' });
  await grantMembers(engine, service.id);
  target.script = (call) => (call.method === 'createAccount' ? Promise.reject(new Rejected('never')) : undefined);
  const { record, change } = await createUser(engine.db, { username: 'ada', state: 'Member' }, BY);
  await engine.flow.changed(change?.changeId ?? 0);
  const account = { serviceId: service.id, userId: record.id };
  await accountWhere(engine, account, ({ attention }) => attention === 'rejected');
  await workflowEnds(accountWorkflowId('poked', record.id));
  const calls = target.called('createAccount', record.id);

  await engine.flowDeps.starter.account({ service: 'poked', userId: record.id, reason: 'createAccount' });
  await workflowEnds(accountWorkflowId('poked', record.id));

  expect(target.called('createAccount', record.id)).toBe(calls);
  expect(await accountWhere(engine, account, () => true)).toMatchObject({ attention: 'rejected', nextTry: 'never' });
});
