// Records histories of every workflow for the replay test. Run by hand: `npx jest --testMatch '**/test/replay/record.ts'`.
// Only what is missing is recorded: a history of released code must go on replaying. For a workflow that is new, add a scene;
// for one that was changed and never released, delete its history first.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { FEW_ACCOUNTS } from '../../hooks/flow';
import { findTemporalBinary } from '../../runtime/temporal-binary';
import { loginPurpose } from '../../auth/mail/deliver';
import { passwordPurpose } from '../../config/service-secrets';
import { Rejected, Unavailable } from '../../sdk/index';
import { requestAccount } from '../../store/account-requests';
import type { AccountRequestKind } from '../../store/account-requests';
import { addMembers, createGroup } from '../../store/groups';
import { resumeService } from '../../store/engine-services';
import { pauseByHand } from '../../store/pauses';
import { newMailId, queuePasswordReset } from '../../store/mails';
import { readService } from '../../store/services';
import type { ServiceRecord } from '../../store/services';
import { readSync, requestSync } from '../../store/syncs';
import { createUser, deleteUser, updateUser } from '../../store/users';
import { createClient } from '../../store/auth-clients';
import { insertClientWrite, newClientWriteId, readClientWrite } from '../../store/client-writes';
import {
  accountWorkflowId,
  clientWriteWorkflowId,
  ENGINE_TASK_QUEUE,
  SWEEP_NOW_ID,
  SYNC_PROGRESS_QUERY,
  SYNC_SIGNALS,
  syncWorkflowId,
} from '../../workflows/contracts';
import type { SyncProgress } from '../../workflows/contracts';
import { linkingOn } from '../external/linking';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { addMember, BY, eventually, grantMembers, insertMembers, settled } from '../engine/organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from '../engine/scripted-target';

const FOLDER = join(__dirname, 'histories');

test('records every workflow', async () => {
  const target = new ScriptedTarget();
  const engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
  const service = await engine.addService({ name: 'recorded', connector: 'scripted' });
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    await grantMembers(engine, service.id);
    const client = new Client({ connection, namespace: engine.namespace });
    await new Recorder({ engine, target, service, client }).recordAll();
  } finally {
    await connection.close();
    await engine.close();
  }
  expect(readdirSync(FOLDER).length).toBeGreaterThan(0);
}, 300_000);

interface Scene {
  readonly engine: TestEngine;
  readonly target: ScriptedTarget;
  readonly service: ServiceRecord;
  readonly client: Client;
}

class Recorder {
  private count = 0;

  constructor(private readonly scene: Scene) {}

  async recordAll(): Promise<void> {
    mkdirSync(FOLDER, { recursive: true });
    await this.plainAccounts();
    await this.requests();
    await this.troubledAccounts();
    await this.groups();
    await this.syncs();
    await this.sweepsAndCalls();
    await this.scheduled();
    await this.external();
    await this.clients();
  }

  private async plainAccounts(): Promise<void> {
    const { engine } = this.scene;
    const ada = await this.person();
    await this.account('create-account', ada);
    await settled(engine, await updateUser(engine.db, ada, { fields: { displayName: 'Ada' }, by: BY }));
    await this.account('update-profile', ada);
    await settled(engine, await updateUser(engine.db, ada, { fields: { active: false }, by: BY }));
    await this.account('validate-user', ada);
    const bob = await this.person();
    await settled(engine, await deleteUser(engine.db, bob, BY));
    await this.account('delete-account', bob);
  }

  private async requests(): Promise<void> {
    for (const kind of ['updateGroups', 'syncNickname', 'retry', 'setPassword', 'resetPassword'] as const) {
      const id = await this.person();
      await this.request(kind, id);
      await this.account(kind === 'retry' ? 'converge-account' : kebab(kind), id);
    }
  }

  private async troubledAccounts(): Promise<void> {
    const { engine, target } = this.scene;
    let failures = 1;
    target.script = (call) => {
      if (call.method !== 'createAccount') return undefined;
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Unavailable('away')) : undefined;
    };
    await this.account('create-account-waits', await this.person());
    const busy = await this.person();
    let changes = 1;
    target.script = async (call) => {
      if (call.method !== 'updateAccount' || changes === 0) return undefined;
      changes -= 1;
      const changed = await updateUser(engine.db, busy, { fields: { displayName: 'Second' }, by: BY });
      await engine.flow.changed(changed.change?.changeId ?? 0);
      return undefined;
    };
    await settled(engine, await updateUser(engine.db, busy, { fields: { displayName: 'First' }, by: BY }));
    await this.account('update-profile-changed-meanwhile', busy);
    target.script = (call) => (call.method === 'createAccount' ? Promise.reject(new Rejected('no')) : undefined);
    const odd = await createUser(engine.db, { username: 'odd', state: 'Member' }, BY);
    await settled(engine, odd);
    await this.account('create-account-rejected', odd.record.id);
    target.script = () => undefined;
  }

  private async groups(): Promise<void> {
    const { engine, client } = this.scene;
    const group = await createGroup(engine.db, 'pilots', BY);
    await settled(engine, group);
    await addMembers(engine.db, { groupId: group.record.id, userIds: [await this.person()], by: BY });
    await engine.flowDeps.starter.sweepNow();
    const id = await eventually('the group was sent', async () => {
      for await (const one of client.workflow.list({ query: `WorkflowType = 'convergeGroup'` })) return one.workflowId;
      return undefined;
    });
    await this.write('converge-group', client.workflow.getHandle(id));
    for (let count = 1; count <= FEW_ACCOUNTS + 1; count += 1)
      await createGroup(engine.db, `squadron-${count}`, BY).then((made) => settled(engine, made));
    await eventually('nobody works on a group', async () => {
      const due = await engine.db.query(
        `select from remote_groups where wanted_version <> applied_version or lease_holder is not null`,
      );
      return due.rows.length === 0;
    });
    await engine.db.query(`update remote_groups set wanted_version = nextval('version_seq')`);
    await engine.flowDeps.starter.sweepNow();
    const many = await this.idOf(`WorkflowType = 'convergeGroups'`);
    await this.write('converge-groups', client.workflow.getHandle(many));
  }

  private async syncs(): Promise<void> {
    const { engine, target, service, client } = this.scene;
    const people = await insertMembers(engine, { prefix: 'many', count: 30 });
    const group = await createGroup(engine.db, 'many', BY);
    await settled(engine, await addMembers(engine.db, { groupId: group.record.id, userIds: people, by: BY }));
    const plain = await this.sync(people);
    await this.write('bulk-sync', client.workflow.getHandle(syncWorkflowId(service.name, plain)));

    let arrived: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (arrived = resolve));
    target.script = (call) => {
      if (call.method !== 'setNickname') return undefined;
      arrived();
      return new Promise((resolve) => setTimeout(resolve, 300));
    };
    await engine.db.query(`update users set display_name = 'Renamed'`);
    const cancelled = await this.sync(people);
    await reached;
    const handle = client.workflow.getHandle(syncWorkflowId(service.name, cancelled));
    await handle.signal(SYNC_SIGNALS.pause);
    await eventually('the sync is paused', async () => {
      const progress = await handle.query<SyncProgress>(SYNC_PROGRESS_QUERY);
      return progress.state === 'paused';
    });
    await handle.signal(SYNC_SIGNALS.resume);
    await handle.signal(SYNC_SIGNALS.cancel);
    await eventually('the sync has ended', async () => (await readSync(engine.db, cancelled))?.status === 'cancelled');
    target.script = () => undefined;
    await this.write('bulk-sync-paused-and-cancelled', handle);
    await this.syncsThatWait();
  }

  /** One that meets a paused service and is told that it goes on, and one that begins with a comparison. */
  private async syncsThatWait(): Promise<void> {
    const { engine, target, service, client } = this.scene;
    // More than the chunks that run at the same time: the last one meets the paused service.
    const people = await insertMembers(engine, { prefix: 'more', count: 420 });
    const group = await createGroup(engine.db, 'more', BY);
    await settled(engine, await addMembers(engine.db, { groupId: group.record.id, userIds: people, by: BY }));
    await engine.db.query(`update users set display_name = 'Renamed again'`);
    target.script = async () => {
      await pauseByHand(engine.db, { serviceId: service.id, actor: 'client:test' });
      target.script = () => undefined;
      return undefined;
    };
    const paused = client.workflow.getHandle(syncWorkflowId(service.name, await this.sync(people)));
    await eventually('the sync waits for the service', async () => {
      const { raw } = await paused.describe();
      const { done, total } = await paused.query<SyncProgress>(SYNC_PROGRESS_QUERY);
      const { pausedReason } = await readService(engine.db, service.name);
      return pausedReason !== null && done < total && (raw.pendingActivities ?? []).length === 0;
    });
    await resumeService(engine.db, service.id);
    await engine.flow.serviceOpened();
    await this.write('bulk-sync-service-paused', paused);
    const full = await this.sync();
    await this.write('bulk-sync-full', client.workflow.getHandle(syncWorkflowId(service.name, full)));
  }

  private async sweepsAndCalls(): Promise<void> {
    const { engine, service, client } = this.scene;
    await Promise.all([1, 2, 3].map(() => engine.flowDeps.starter.sweepNow()));
    await this.write('sweep-asked-for', client.workflow.getHandle(SWEEP_NOW_ID));
    const scheduled = await this.idOf(`WorkflowType = 'sweep' and WorkflowId != '${SWEEP_NOW_ID}'`);
    await this.write('sweep-scheduled', client.workflow.getHandle(scheduled));
    await engine.db.query(
      `update services set paused_reason = 'credentials', paused_detail = 'for the record', probe_at = clock_timestamp()`,
    );
    await engine.flowDeps.starter.sweepNow();
    await this.write('probe-service', client.workflow.getHandle(await this.idOf(`WorkflowType = 'probeService'`)));
    await eventually('it goes on', async () => (await readService(engine.db, service.name)).pausedReason === null);
    await engine.flow.callManager(service.name, 'testConnection');
    await this.write('call-manager', client.workflow.getHandle(await this.idOf(`WorkflowType = 'callManager'`)));
  }

  /** What schedules start: here it is started by hand. */
  private async scheduled(): Promise<void> {
    const { client } = this.scene;
    for (const type of ['validateAllUsers', 'retention', 'purgeTokens', 'reconcileAllServices']) {
      await this.write(
        kebab(type),
        await client.workflow.start(type, { workflowId: type, taskQueue: ENGINE_TASK_QUEUE, args: [] }),
      );
    }
    await this.write(
      'reconcile-service',
      client.workflow.getHandle(await this.idOf(`WorkflowType = 'reconcileService'`)),
    );
  }

  /** A token of 20 s is about to end from the beginning: reading it refreshes it. */
  private async external(): Promise<void> {
    const { engine, client } = this.scene;
    const linking = await linkingOn(engine, 20);
    try {
      await this.person();
      const username = `person-${this.count}`;
      await linking.link(username);
      await linking.credential(username).expect(200);
      await linking.api.call('delete', `/v1/users/username:${username}/external/campus`).expect(204);
      const mailId = newMailId();
      await queuePasswordReset(engine.db, mailId, engine.sealer.seal('person-1', loginPurpose(mailId)));
      await engine.flow.mailQueued(mailId);
      for (const type of ['sendMail', 'authorizeExternal', 'refreshExternal', 'revokeExternal'])
        await this.write(kebab(type), client.workflow.getHandle(await this.idOf(`WorkflowType = '${type}'`)));
    } finally {
      await linking.close();
    }
  }

  /** One write that is done, and one that waits for its provider until its time is over. */
  private async clients(): Promise<void> {
    const { engine, client } = this.scene;
    const rights = { roles: [], acl: [], metadata: {} };
    const { id } = await createClient(engine.db, { name: 'c', provider: 'local', providerId: 'c', ...rights });
    const write = async (provider: string): Promise<string> => {
      const writeId = newClientWriteId();
      await insertClientWrite(engine.db, {
        id: writeId,
        provider,
        ability: 'disableClient',
        client: { id, providerId: 'c' },
        userId: undefined,
        roles: [],
        sealedPackage: undefined,
        actor: 'client:test',
        lifeMs: 600_000,
      });
      await engine.flow.clientWriteQueued(writeId);
      return writeId;
    };
    const done = await write('local');
    await this.write('write-client', client.workflow.getHandle(clientWriteWorkflowId(done)));
    const waiting = await write('nowhere');
    await eventually('it was tried', async () => ((await readClientWrite(engine.db, waiting))?.attempts ?? 0) > 0);
    await engine.db.query(`update client_writes set expires_at = clock_timestamp() where id = $1`, [waiting]);
    await this.write('write-client-waits', client.workflow.getHandle(clientWriteWorkflowId(waiting)));
  }

  private idOf(query: string): Promise<string> {
    return eventually(query, async () => {
      for await (const one of this.scene.client.workflow.list({ query })) return one.workflowId;
      return undefined;
    });
  }

  private person(): Promise<string> {
    this.count += 1;
    return addMember(this.scene.engine, `person-${this.count}`);
  }

  private async request(kind: AccountRequestKind, userId: string): Promise<void> {
    const { engine, service, client } = this.scene;
    // Else the request would only poke the run that created the account.
    await client.workflow.getHandle(accountWorkflowId(service.name, userId)).result();
    const secret = kind === 'setPassword' || kind === 'resetPassword';
    const sealed = engine.sealer.seal('not in a history', passwordPurpose(service.id, userId));
    const password = secret ? { sealed, generated: kind === 'resetPassword' } : undefined;
    await requestAccount(engine.db, { serviceId: service.id, userId, kind, actor: 'client:test', password });
    await engine.flow.accountDue(service.id, userId);
  }

  private async sync(userIds?: readonly string[]): Promise<string> {
    const { engine, service } = this.scene;
    const { syncId } = await requestSync(engine.db, {
      serviceId: service.id,
      kind: 'full',
      scope: userIds === undefined ? {} : { userIds },
      actor: 'client:test',
    });
    await engine.flow.syncRequested(service.name, syncId);
    await eventually('the sync was begun', async () => (await readSync(engine.db, syncId))?.status !== 'queued');
    return syncId;
  }

  /** The command line writes histories as the SDK reads them. */
  private async show(workflowId: string): Promise<string> {
    const { engine } = this.scene;
    const binary = await findTemporalBinary({ environment: process.env, fallbackDir: FOLDER });
    const from = ['--address', engine.temporalAddress, '--namespace', engine.namespace];
    const shown = await promisify(execFile)(
      binary.path,
      ['workflow', 'show', '--workflow-id', workflowId, '--output', 'json', ...from],
      {
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    return shown.stdout.trim();
  }

  private async account(name: string, userId: string): Promise<void> {
    const { client, service } = this.scene;
    await this.write(name, client.workflow.getHandle(accountWorkflowId(service.name, userId)));
  }

  /** Waits for the end of the workflow and writes its history, without the names of this machine's processes. */
  private async write(name: string, handle: WorkflowHandle): Promise<void> {
    await handle.result();
    const file = join(FOLDER, `${name}.json`);
    if (existsSync(file)) return;
    const text = await this.show(handle.workflowId);
    const clean = text
      .replace(/"identity": "[^"]*"/g, '"identity": "recorder"')
      .replace(/"\d+@[\w.-]+"/g, '"recorder"');
    writeFileSync(file, `${clean}\n`);
    process.stdout.write(`${name}\n`);
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
