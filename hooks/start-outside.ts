import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  AUTHORIZE_EXTERNAL_WORKFLOW,
  clientWriteWorkflowId,
  ENGINE_TASK_QUEUE,
  POKE_SIGNAL,
  REFRESH_EXTERNAL_WORKFLOW,
  REVOKE_EXTERNAL_WORKFLOW,
  SEND_MAIL_WORKFLOW,
  WRITE_CLIENT_WORKFLOW,
} from '../workflows/contracts';
import type { RefreshExternalInput } from '../workflows/contracts';
import { attribute, startOnce } from './start-once';

/** The poke comes with the start: whichever of the two was lost, the row is looked at once more. */
export async function startAuthorization(client: Client, authorizationId: string): Promise<void> {
  await client.workflow.signalWithStart(AUTHORIZE_EXTERNAL_WORKFLOW, {
    workflowId: `external/authorize/${authorizationId}`,
    taskQueue: ENGINE_TASK_QUEUE,
    args: [{ authorizationId }],
    signal: POKE_SIGNAL,
    signalArgs: [],
    staticSummary: 'authorization of an external account',
    typedSearchAttributes: new TypedSearchAttributes([{ key: attribute.kind, value: AUTHORIZE_EXTERNAL_WORKFLOW }]),
  });
}

/** Carries out a write at an authentication provider. */
export async function startClientWrite(client: Client, writeId: string): Promise<void> {
  await startOnce(() =>
    client.workflow.start(WRITE_CLIENT_WORKFLOW, {
      workflowId: clientWriteWorkflowId(writeId),
      taskQueue: ENGINE_TASK_QUEUE,
      args: [{ writeId }],
      staticSummary: 'client of an authentication provider',
      typedSearchAttributes: new TypedSearchAttributes([{ key: attribute.kind, value: WRITE_CLIENT_WORKFLOW }]),
    }),
  );
}

/** Sends a mail. */
export async function startMail(client: Client, mailId: string): Promise<void> {
  await startOnce(() =>
    client.workflow.start(SEND_MAIL_WORKFLOW, {
      workflowId: `mail/${mailId}`,
      taskQueue: ENGINE_TASK_QUEUE,
      args: [{ mailId }],
      staticSummary: 'mail',
      typedSearchAttributes: new TypedSearchAttributes([{ key: attribute.kind, value: SEND_MAIL_WORKFLOW }]),
    }),
  );
}

/** Takes an unlinked right away at the other side. */
export async function startRevocation(client: Client, revocationId: string): Promise<void> {
  await startOnce(() =>
    client.workflow.start(REVOKE_EXTERNAL_WORKFLOW, {
      workflowId: `external/revoke/${revocationId}`,
      taskQueue: ENGINE_TASK_QUEUE,
      args: [{ revocationId }],
      staticSummary: 'revocation of an external account',
      typedSearchAttributes: new TypedSearchAttributes([{ key: attribute.kind, value: REVOKE_EXTERNAL_WORKFLOW }]),
    }),
  );
}

/** Refreshes a credential and waits for it; many askers wait for one refresh. */
export async function runRefresh(client: Client, input: RefreshExternalInput): Promise<void> {
  await client.workflow.execute(REFRESH_EXTERNAL_WORKFLOW, {
    workflowId: `external/refresh/${input.type}/${input.userId}`,
    taskQueue: ENGINE_TASK_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `refresh of a ${input.type} account`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attribute.user, value: input.userId },
      { key: attribute.kind, value: REFRESH_EXTERNAL_WORKFLOW },
    ]),
  });
}
