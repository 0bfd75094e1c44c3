import { tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Configuration of one XMPP service: an ejabberd with its HTTP API. */
export const XmppConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where `mod_http_api` answers, e.g. `https://chat.example.org:5443/api`.'),
  user: z
    .string()
    .regex(/^[^@/\s]+@[^@/\s]+$/, { error: 'must look like muster@example.org' })
    .describe(
      "The JID of Muster's account there, e.g. `muster@example.org`. It also keeps what Muster knows of the others.",
    ),
  password: z.string().min(1).describe('Its password; the first passwords of accounts are made from it too.'),
  host: z.string().min(1).optional().describe('The virtual host whose accounts these are. Default: that of `user`.'),
  showMembers: z
    .boolean()
    .optional()
    .describe('Default true: the members of a group see each other in their contact lists.'),
  ...tlsFields,
});
export type XmppConfig = z.infer<typeof XmppConfig>;

// What ejabberd answers: only what is used. https://docs.ejabberd.im/developer/ejabberd-api/

/** 0 = yes or done, 1 = no. */
export const Code = z.union([z.literal(0), z.literal(1)]);
export const Names = z.array(z.string());
export const Stored = z.union([z.string(), z.object({ res: z.string() }).transform(({ res }) => res)]);
export const GroupInfo = z.array(z.object({ key: z.string(), value: z.string() }));
export const Kicked = z.union([
  z.number(),
  z.object({ num_resources: z.number() }).transform((each) => each.num_resources),
]);
export const ApiError = z.object({ code: z.number(), message: z.string() });
