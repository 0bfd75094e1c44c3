import { z } from 'zod';
import { oneLine } from './fields';

const guardLimit = z
  .strictObject({
    minimum: z.number().int().min(0).max(1_000_000).optional(),
    percent: z.number().min(0).max(100).optional(),
    maximum: z.number().int().min(0).max(1_000_000).optional(),
  })
  .optional();

/** How much may be taken away within 24 hours, and what then. */
export const guard = z.strictObject({
  removal: guardLimit,
  disable: guardLimit,
  'group removal': guardLimit,
  pause: z.boolean().optional().meta({
    description: 'the whole service stands still while something is staged; without it everything else goes on',
  }),
});

/** When a service as a whole is taken to be broken. */
export const breaker = z
  .strictObject({
    failures: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'calls in a row without an answer; 10' }),
    rejections: z.number().int().min(1).max(1_000_000).optional().meta({ description: 'refusals in a row; 50' }),
    accounts: z.number().int().min(1).max(1000).optional().meta({ description: 'of so many accounts at least; 3' }),
    probeSeconds: z.number().int().min(1).max(3600).optional().meta({ description: 'first look; 10' }),
    longestProbeSeconds: z.number().int().min(1).max(86_400).optional().meta({ description: 'longest pause; 600' }),
  })
  .meta({ id: 'Breaker' });

/** What the nightly comparison does. */
export const reconcile = z
  .strictObject({
    mode: z.enum(['off', 'report', 'repair']).optional().meta({ description: '`report` unless said otherwise' }),
  })
  .meta({ id: 'Reconcile' });

/** What is done about accounts that Muster did not make. */
export const orphans = z
  .strictObject({
    adopt: z.enum(['never', 'by name', 'by email']).optional().meta({
      description:
        'an account without a key that is beyond doubt the one of somebody who has a right to the service and no account gets their key; `never` unless said otherwise',
    }),
    unknown: z.enum(['report', 'disable', 'remove']).optional().meta({
      description:
        'what becomes of accounts that are nobody’s, as far as the guard allows; `report` unless said otherwise',
    }),
    keep: z
      .array(oneLine(500))
      .max(1000)
      .optional()
      .meta({ description: 'names that are never touched; patterns with `*`' }),
  })
  .meta({ id: 'Orphans', description: 'done by a comparison that repairs' });

/** Whether nothing is written before a plan was approved. */
export const firstRun = z.enum(['plan', 'write']).meta({
  description:
    '`plan` (a new service): nothing is written there before a person has approved a plan, which makes it `write`',
});
