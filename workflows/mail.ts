import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { SendMailInput } from './contracts';
import { EXTERNAL_OPTIONS } from './patterns/activity-options';

/** One try; what fails is due again later, and the sweep starts it then. */
export async function sendMail(input: SendMailInput): Promise<void> {
  await proxyActivities<Activities>(EXTERNAL_OPTIONS).deliverMail(input);
}
