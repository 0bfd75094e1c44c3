import { z } from 'zod';

/** Configuration of one virtual server of a Mumble. */
export const MumbleConfig = z.strictObject({
  host: z
    .string()
    .regex(/^[\w.:-]+$/, { error: 'must be a host name or an address' })
    .describe('Where the Ice interface of the server answers. It is not encrypted: keep it on a network of your own.'),
  port: z.int().min(1).max(65_535).optional().describe('Default 6502.'),
  secret: z.string().min(1).describe('What the server calls icesecretwrite.'),
  server: z.int().min(1).optional().describe('Which virtual server. Default 1.'),
  channel: z.int().min(0).optional().describe('The channel whose groups these are. Default 0, the root.'),
});
export type MumbleConfig = z.infer<typeof MumbleConfig>;

/** Numbers of registrations. */
export const GuestIds = z.object({ ids: z.array(z.int().min(1)).max(1000) });
