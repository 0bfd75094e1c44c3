import { z } from 'zod';

/** Configuration of one example service. */
export const ExampleConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Where its API begins, e.g. `https://example.org/api`.'),
  token: z.string().min(1).describe('A token with the rights `users` and `groups`.'),
});
export type ExampleConfig = z.infer<typeof ExampleConfig>;

// What the service answers: only the fields that are used.

export const RemoteUser = z.object({
  id: z.string(),
  name: z.string(),
  label: z.string(),
  email: z.string().nullable(),
  active: z.boolean(),
  externalId: z.string().nullable(),
  groups: z.array(z.string()),
});
export type RemoteUser = z.infer<typeof RemoteUser>;

export const RemoteTeam = z.object({ id: z.string(), name: z.string(), externalId: z.string().nullable() });
export type RemoteTeam = z.infer<typeof RemoteTeam>;

export const UserPage = z.object({ items: z.array(RemoteUser), next: z.string().nullable() });
export const TeamPage = z.object({ items: z.array(RemoteTeam), next: z.string().nullable() });

/** The body of a 410: which group is missing. */
export const GroupGone = z.object({ group: z.string() });

export const About = z.object({ product: z.string(), version: z.string(), rights: z.array(z.string()) });
