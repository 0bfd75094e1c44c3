import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../workflows/contracts';

/** The keys under which workflows are found. */
export const attribute = {
  service: defineSearchAttributeKey(SEARCH_ATTRIBUTES.service, 'KEYWORD'),
  user: defineSearchAttributeKey(SEARCH_ATTRIBUTES.user, 'KEYWORD'),
  kind: defineSearchAttributeKey(SEARCH_ATTRIBUTES.kind, 'KEYWORD'),
} as const;

/** Somebody else was faster: that is the same start. */
export async function startOnce(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
