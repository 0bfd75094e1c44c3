import { z } from 'zod';

/** The safe model of the built-in types: who the person is over there and what was allowed, no token. */
export const linkedIdentity = z.object({
  remoteId: z.string().optional(),
  remoteName: z.string().optional(),
  scopes: z.array(z.string()).optional(),
});
