import { proxyActivities } from '@temporalio/workflow';
import { MAIL_TASK_QUEUE } from '../domain/ids';
import type { Activities } from '../activities';
import type { SendMailInput } from './contracts';
import { EXTERNAL_OPTIONS } from './patterns/activity-options';

/** One try; what fails is due again later, and the sweep starts it then. */
export async function sendMail(input: SendMailInput): Promise<void> {
  const { deliverMail } = proxyActivities<Activities>({ ...EXTERNAL_OPTIONS, taskQueue: MAIL_TASK_QUEUE });
  await deliverMail(input);
}
