import type { ActivityOptions } from '@temporalio/workflow';

/** Converging one account: at most a handful of calls of 15 s each, and the wait for a slot. */
export const CONVERGE_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '3 minutes',
  // A worker that was killed is noticed after this time; its account is then taken up by another.
  heartbeatTimeout: '5 seconds',
  // Without a worker for the service the workflow ends; the account stays due and the sweep sends it again.
  scheduleToCloseTimeout: '30 minutes',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** Short statements in Muster's own database. */
export const STORE_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** One sweep: the next tick brings another, so a failed one is not worth repeating. */
export const SWEEP_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
};

/** A chunk of a bulk sync: progress is in the database, so a repeated chunk skips what is settled. */
export const CHUNK_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** One look at a service that is not well: the next one comes by itself. */
export const PROBE_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '3 minutes',
  scheduleToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
};

/** One call of a plug-in, 15 s at most, and the wait for another's refresh. What fails is an outcome; only a dead worker is a failure. */
export const EXTERNAL_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  // What cannot go on for so long (a missing key, a database that is away) ends; the row stays, and the sweep starts it again.
  scheduleToCloseTimeout: '15 minutes',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** The API waits for it: one try. */
export const CALL_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 1 },
};
