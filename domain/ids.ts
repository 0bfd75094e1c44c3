/** The business keys under which workflows run: a second start with the same key is the same start. */

/** Workflow id of the one converging workflow of an account. */
export function accountWorkflowId(service: string, userId: string): string {
  return `account/${service}/${userId}`;
}

/** Workflow id of the one converging workflow of a remote group. */
export function groupWorkflowId(service: string, remoteGroupId: string): string {
  return `group/${service}/${remoteGroupId}`;
}

/** Workflow id of the one workflow that converges many remote groups of a service. */
export function groupsWorkflowId(service: string): string {
  return `groups/${service}`;
}

/** Workflow id of a bulk sync. */
export function syncWorkflowId(service: string, syncId: string): string {
  return `sync/${service}/${syncId}`;
}

/** Workflow id of one write into the system behind an authentication provider. */
export function clientWriteWorkflowId(writeId: string): string {
  return `client/${writeId}`;
}

/** Task queue of the activities that serve single persons on a service. */
export function serviceTaskQueue(service: string): string {
  return `service-${service}`;
}

/** Task queue of the bulk activities of a service: slots of their own, so a person never waits behind them. */
export function bulkTaskQueue(service: string): string {
  return `service-${service}-bulk`;
}

/**
 * Task queue of what asks authentication providers and plug-ins of linked accounts: slots of their own, because code that hangs
 * there must not hold up the provisioning.
 */
export const PLUGIN_TASK_QUEUE = 'muster-plugins';

/** Task queue of mails: a mail server that hangs holds up nothing but mails. */
export const MAIL_TASK_QUEUE = 'muster-mail';

/** Task queue of every workflow task and of the engine's own activities (expand, sweep, notify). */
export const ENGINE_TASK_QUEUE = 'muster';
