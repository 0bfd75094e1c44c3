import { tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Which homeserver, and what groups become there. */
export const MatrixConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where the homeserver answers, its admin API too, e.g. `https://matrix.example.org`.'),
  token: z.string().min(1).describe('The access token of a server administrator.'),
  groupsAre: z
    .enum(['room', 'space'])
    .optional()
    .describe('Default `room`: each group is a room of its own, by invitation. `space` = a space.'),
  erase: z
    .boolean()
    .optional()
    .describe("Default false. true = a removed account's messages and profile are erased, as far as the protocol can."),
  ...tlsFields,
});
export type MatrixConfig = z.infer<typeof MatrixConfig>;

// What the homeserver answers: only the fields that are used.

export const Whoami = z.object({ user_id: z.string().regex(/^@[^:]+:.+$/) });
export const Version = z.object({ server_version: z.string() });
export const IsAdmin = z.object({ admin: z.boolean() });

export const ExternalOwner = z.object({ user_id: z.string() });
export const User = z.object({
  name: z.string(),
  displayname: z.string().nullish(),
  deactivated: z.boolean(),
  locked: z.boolean().default(false),
  threepids: z.array(z.object({ medium: z.string(), address: z.string() })).default([]),
  external_ids: z.array(z.object({ auth_provider: z.string(), external_id: z.string() })).default([]),
});
export type User = z.infer<typeof User>;
export const UserPage = z.object({ users: z.array(z.object({ name: z.string() })), next_token: z.string().optional() });

export const JoinedRooms = z.object({ joined_rooms: z.array(z.string()) });
export const Devices = z.object({ devices: z.array(z.object({ device_id: z.string() })) });

export const Room = z.object({
  room_id: z.string(),
  name: z.string().nullable(),
  canonical_alias: z.string().nullable(),
});
export type Room = z.infer<typeof Room>;
export const RoomPage = z.object({ rooms: z.array(Room), next_batch: z.int().optional() });
export const Alias = z.object({ room_id: z.string() });
export const NewRoom = z.object({ room_id: z.string() });

/** spec.matrix.org, "Standard error response". */
export const Failure = z.object({ errcode: z.string() });
