import type { Environment } from './config';

/** The variables of this process, for those that hand them on to processes they start. */
export function processEnvironment(): Environment {
  return process.env;
}
