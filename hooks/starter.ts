import { Client, Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  accountWorkflowId,
  BULK_SYNC_WORKFLOW,
  CALL_MANAGER_WORKFLOW,
  CONVERGE_GROUP_WORKFLOW,
  CONVERGE_GROUPS_WORKFLOW,
  ENGINE_TASK_QUEUE,
  groupWorkflowId,
  groupsWorkflowId,
  POKE_SIGNAL,
  PROBE_WORKFLOW,
  RECONCILE_WORKFLOW,
  SWEEP_NOW_ID,
  SWEEP_WORKFLOW,
  SYNC_SIGNALS,
  syncWorkflowId,
} from '../workflows/contracts';
import type {
  AccountWorkflow,
  BulkSyncInput,
  CallManagerInput,
  ReconcileInput,
  RefreshExternalInput,
  SyncSteering,
} from '../workflows/contracts';
import { attribute, startOnce } from './start-once';
import { runRefresh, startAuthorization, startClientWrite, startMail, startRevocation } from './start-outside';

/** Starts and signals workflows. The only place that knows how; ids are business keys, so a second start is the same start. */
export interface Starter {
  account(request: {
    readonly service: string;
    readonly userId: string;
    readonly reason: AccountWorkflow;
  }): Promise<void>;
  group(service: string, remoteGroupId: string): Promise<void>;
  /** Every due remote group of a service, in one workflow. */
  groups(service: string): Promise<void>;
  sync(input: BulkSyncInput): Promise<void>;
  /** Tells a sync's workflow, which is started first if it is not there. */
  steerSync(input: BulkSyncInput, signal: SyncSteering): Promise<void>;
  /** Compares what a service lists with what Muster knows. */
  reconcile(input: ReconcileInput): Promise<void>;
  /** Looks whether a paused service is well again. */
  probe(service: string): Promise<void>;
  /** A sweep now, not at the next tick; many askers get one. */
  sweepNow(): Promise<void>;
  /** Begins an authorization, or tells it that its redirect has come. */
  authorizeExternal(authorizationId: string): Promise<void>;
  /** Carries out a write into the system behind an authentication provider. */
  writeClient(writeId: string): Promise<void>;
  /** Sends a mail. */
  sendMail(mailId: string): Promise<void>;
  /** Takes an unlinked right away at the other side. */
  revokeExternal(revocationId: string): Promise<void>;
  /** Refreshes a credential and waits for it; many askers wait for one refresh. */
  refreshExternal(input: RefreshExternalInput, timeoutMs: number): Promise<void>;
  /** Runs a manager call in a worker and waits for its answer, which stands in the row `callId`. */
  callManager(input: CallManagerInput, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface StarterOptions {
  readonly address: string;
  readonly namespace: string;
}

/** How long a start may take before the caller goes on: the sweep does later what Temporal could not take now. */
const CALL_MS = 5_000;

/** Connects when first used, so that a process starts and serves reads while Temporal is down. */
export function createStarter(options: StarterOptions): Starter {
  const connection = Connection.lazy({ address: options.address, connectTimeout: CALL_MS });
  const client = new Client({ connection, namespace: options.namespace });
  const within = <T>(work: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + CALL_MS, work);
  return {
    account: (request) => within(() => startAccount(client, request)),
    group: (service, remoteGroupId) => within(() => startGroup(client, service, remoteGroupId)),
    groups: (service) => within(() => startGroups(client, service)),
    sync: (input) => within(() => startSync(client, input)),
    steerSync: (input, signal) => within(() => steerSync(client, input, signal)),
    reconcile: (input) => within(() => startReconcile(client, input)),
    probe: (service) => within(() => startProbe(client, service)),
    sweepNow: () => within(() => startSweep(client)),
    authorizeExternal: (authorizationId) => within(() => startAuthorization(client, authorizationId)),
    writeClient: (writeId) => within(() => startClientWrite(client, writeId)),
    sendMail: (mailId) => within(() => startMail(client, mailId)),
    revokeExternal: (revocationId) => within(() => startRevocation(client, revocationId)),
    refreshExternal: (input, timeoutMs) =>
      connection.withDeadline(Date.now() + timeoutMs, () => runRefresh(client, input)),
    callManager: (input, timeoutMs) =>
      connection.withDeadline(Date.now() + timeoutMs, () => runCall(client, input, timeoutMs)),
    close: () => connection.close(),
  };
}

async function startAccount(
  client: Client,
  request: { readonly service: string; readonly userId: string; readonly reason: AccountWorkflow },
): Promise<void> {
  await client.workflow.signalWithStart(request.reason, {
    workflowId: accountWorkflowId(request.service, request.userId),
    taskQueue: ENGINE_TASK_QUEUE,
    args: [{ service: request.service, userId: request.userId }],
    signal: POKE_SIGNAL,
    signalArgs: [],
    staticSummary: `${request.reason} on ${request.service}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.service, value: request.service },
      { key: attribute.user, value: request.userId },
      { key: attribute.kind, value: request.reason },
    ]),
  });
}

async function startGroup(client: Client, service: string, remoteGroupId: string): Promise<void> {
  await client.workflow.signalWithStart(CONVERGE_GROUP_WORKFLOW, {
    workflowId: groupWorkflowId(service, remoteGroupId),
    taskQueue: ENGINE_TASK_QUEUE,
    args: [{ service, remoteGroupId }],
    signal: POKE_SIGNAL,
    signalArgs: [],
    staticSummary: `remote group on ${service}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.service, value: service },
      { key: attribute.kind, value: CONVERGE_GROUP_WORKFLOW },
    ]),
  });
}

async function startGroups(client: Client, service: string): Promise<void> {
  await client.workflow.signalWithStart(CONVERGE_GROUPS_WORKFLOW, {
    workflowId: groupsWorkflowId(service),
    taskQueue: ENGINE_TASK_QUEUE,
    args: [{ service }],
    signal: POKE_SIGNAL,
    signalArgs: [],
    staticSummary: `remote groups on ${service}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.service, value: service },
      { key: attribute.kind, value: CONVERGE_GROUPS_WORKFLOW },
    ]),
  });
}

async function startSync(client: Client, input: BulkSyncInput): Promise<void> {
  await startOnce(() => client.workflow.start(BULK_SYNC_WORKFLOW, syncOptions(input)));
}

/** A lost start must not lose the signal: whichever comes first starts it. One that has ended needs no signal. */
async function steerSync(client: Client, input: BulkSyncInput, signal: SyncSteering): Promise<void> {
  await startOnce(() =>
    client.workflow.signalWithStart(BULK_SYNC_WORKFLOW, {
      ...syncOptions(input),
      signal: SYNC_SIGNALS[signal],
      signalArgs: [],
    }),
  );
}

function syncOptions(input: BulkSyncInput) {
  return {
    workflowId: syncWorkflowId(input.service, input.syncId),
    taskQueue: ENGINE_TASK_QUEUE,
    args: [input] as [BulkSyncInput],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY' as const,
    staticSummary: `bulk sync of ${input.service}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.service, value: input.service },
      { key: attribute.kind, value: BULK_SYNC_WORKFLOW },
    ]),
  };
}

async function startReconcile(client: Client, input: ReconcileInput): Promise<void> {
  await startOnce(() =>
    client.workflow.start(RECONCILE_WORKFLOW, {
      workflowId: `reconcile/${input.service}/${input.reconciliationId}`,
      taskQueue: ENGINE_TASK_QUEUE,
      args: [input],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `comparison with ${input.service}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: attribute.service, value: input.service },
        { key: attribute.kind, value: RECONCILE_WORKFLOW },
      ]),
    }),
  );
}

async function startProbe(client: Client, service: string): Promise<void> {
  await startOnce(() =>
    client.workflow.start(PROBE_WORKFLOW, {
      workflowId: `probe/${service}`,
      taskQueue: ENGINE_TASK_QUEUE,
      args: [{ service }],
      staticSummary: `probe of ${service}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: attribute.service, value: service },
        { key: attribute.kind, value: PROBE_WORKFLOW },
      ]),
    }),
  );
}

/** One that is under way sweeps once more: it may be past what the asker means. */
async function startSweep(client: Client): Promise<void> {
  await client.workflow.signalWithStart(SWEEP_WORKFLOW, {
    workflowId: SWEEP_NOW_ID,
    taskQueue: ENGINE_TASK_QUEUE,
    args: [],
    signal: POKE_SIGNAL,
    signalArgs: [],
    staticSummary: 'sweep, asked for',
    typedSearchAttributes: new TypedSearchAttributes([{ key: attribute.kind, value: SWEEP_WORKFLOW }]),
  });
}

async function runCall(client: Client, input: CallManagerInput, timeoutMs: number): Promise<void> {
  await client.workflow.execute(CALL_MANAGER_WORKFLOW, {
    workflowId: `call/${input.callId}`,
    taskQueue: ENGINE_TASK_QUEUE,
    args: [input],
    workflowExecutionTimeout: timeoutMs,
    staticSummary: `${input.action} on ${input.service}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.service, value: input.service },
      { key: attribute.kind, value: input.action },
    ]),
  });
}
