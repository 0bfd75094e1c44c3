import type { NewAccount, Secret } from '@muster/sdk';
import type { DiscordConfig } from './schema';

/** Who somebody is on Discord, and the right to add them to a server, where they gave it. */
export interface DiscordLink {
  readonly userId: string;
  /** Of the bot's own application, with the scope `guilds.join` (docs.discord.com, "OAuth2"). */
  readonly accessToken?: Secret;
}

const ATTRIBUTE = 'discordId';

/**
 * Reads the Discord user id from the person's attributes. The one place where an account that the person linked by OAuth
 * comes in: it brings the access token too, and with it Muster adds people instead of sending them an invitation.
 */
export function linkFromAttributes({ profile }: NewAccount, config: DiscordConfig): DiscordLink | undefined {
  const attribute = config.userIdAttribute ?? ATTRIBUTE;
  const value = Object.hasOwn(profile.attributes, attribute) ? profile.attributes[attribute] : undefined;
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? { userId: value } : undefined;
}
