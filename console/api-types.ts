import type { z } from 'zod';
import type { accountSchema, explanationSchema } from '../api/account-views';
import type { operationSchema } from '../api/operation-answer';
import type { tokenSchema } from '../api/auth-views';
import type { linkedSchema } from '../api/external-views';

/** A value as it comes over the wire: times are texts. */
export type Wire<T> = T extends Date ? string : T extends object ? { readonly [K in keyof T]: Wire<T[K]> } : T;

export type AccountView = Wire<z.output<typeof accountSchema>>;
export type ExplanationView = Wire<z.output<typeof explanationSchema>> & { readonly actions: readonly string[] };
export type OperationView = Wire<z.output<typeof operationSchema>>;
export type TokenView = Wire<z.output<typeof tokenSchema>>;
export type LinkedView = Wire<z.output<typeof linkedSchema>>;
