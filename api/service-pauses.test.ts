import { createTestApi } from '../test/environment/api';
import { ableConnector } from '../test/environment/fake-connector';
import { addService } from '../test/store/organisation';
import { beginReconciliation, recordPage } from '../store/reconciliations';
import { compareWithSeen } from '../store/reconcile-compare';
import { endReconciliation } from '../store/reconciliations';
import type { TestApi } from '../test/environment/api';

describe('the work on a service by hand', () => {
  let api: TestApi;
  let mail: string;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector()] });
    mail = await addService(api.context.db, { name: 'mail' });
  });
  afterAll(() => api.close());

  const status = async (): Promise<Record<string, unknown>> =>
    (await api.call('get', '/v1/services/mail/status').expect(200)).body as Record<string, unknown>;

  test('a pause says who, why and since when, until it is resumed', async () => {
    const { body } = await api.call('post', '/v1/services/mail/pause').send({ reason: 'upgrade' }).expect(200);
    expect(body).toMatchObject({ paused: { reason: 'operator', nextProbe: null } });
    expect((await status())['paused']).toMatchObject({ detail: expect.stringMatching(/^\S+: upgrade$/) as string });

    const resumed = await api.call('post', '/v1/services/mail/resume').send({ reason: 'done' }).expect(200);
    expect(resumed.body).toMatchObject({ paused: null });
  });

  test('a drain is an operation, and resuming cancels it', async () => {
    const { body } = await api.call('post', '/v1/services/mail/drain').send({ reason: 'moving' }).expect(202);
    const { id } = (body as { operation: { id: string } }).operation;
    expect(body).toMatchObject({ operation: { kind: 'drainService', status: 'running', reason: 'moving' } });
    expect((await status())['paused']).toMatchObject({ reason: 'operator' });

    await api.call('post', '/v1/services/mail/resume').expect(200);
    const after = await api.call('get', `/v1/operations/${id}`).expect(200);
    expect(after.body).toMatchObject({ operation: { status: 'cancelled' } });
  });

  test('an operator may take the place of a pause that Muster began', async () => {
    await api.context.db.query(
      `update services set paused_reason = 'unavailable', paused_detail = '503', probe_at = clock_timestamp() where id = $1`,
      [mail],
    );
    await api.call('post', '/v1/services/mail/pause').expect(200);

    expect((await status())['paused']).toMatchObject({ reason: 'operator', nextProbe: null });
    await api.call('post', '/v1/services/mail/resume').expect(200);
  });

  test('a comparison is kept with what it found', async () => {
    const { db } = api.context;
    const id = await beginReconciliation(db, {
      serviceId: mail,
      service: 'mail',
      mode: 'report',
      actor: 'client:test',
    });
    const stranger = { remoteId: 'x1', name: 'root', key: null, email: null, ours: false, enabled: true, groups: null };
    await recordPage(db, { id, kind: 'account', items: [stranger], phase: 'groups', cursor: null });
    await compareWithSeen(db, id);
    await endReconciliation(db, id, { error: null, repaired: 0 });

    const runs = await api.call('get', '/v1/services/mail/reconciliations').expect(200);
    expect(runs.body).toMatchObject({ items: [{ id, status: 'succeeded', accounts: 1, found: { unknown: 1 } }] });
    const items = await api.call('get', `/v1/services/mail/reconciliations/${id}/items?kind=unknown`).expect(200);
    expect(items.body).toMatchObject({ items: [{ kind: 'unknown', user: null, remoteId: 'x1', remoteName: 'root' }] });
    await api.call('get', `/v1/services/mail/reconciliations/${mail}`).expect(404);
  });
});
