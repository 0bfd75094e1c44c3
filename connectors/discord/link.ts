import type { CallContext, NewAccount, Secret } from '@muster/sdk';
import type { DiscordConfig } from './schema';

/** Who somebody is on Discord, and the right to add them to a server, where they gave it. */
export interface DiscordLink {
  readonly userId: string;
  /** Of the bot's own application, with the scope `guilds.join` (docs.discord.com, "OAuth2"). */
  readonly accessToken?: Secret;
}

const ATTRIBUTE = 'discordId';
/** Type of linked account that is Discord's. */
const TYPE = 'discord';
const JOIN = 'guilds.join';
const SNOWFLAKE = /^\d{1,20}$/;

/**
 * Who the person is on Discord: by the account that they linked, which brings the right to add them along, or by an attribute; undefined =
 * neither. Where nobody can link anything the attribute is all there is.
 */
export async function linkOf(
  account: NewAccount,
  config: DiscordConfig,
  call: CallContext,
): Promise<DiscordLink | undefined> {
  const linked = await call.linked?.(account.key.userId, TYPE);
  if (linked?.remoteId === undefined || !SNOWFLAKE.test(linked.remoteId)) return linkFromAttributes(account, config);
  const { remoteId: userId, scopes, accessToken } = linked;
  return scopes.includes(JOIN) ? { userId, accessToken } : { userId };
}

function linkFromAttributes({ profile }: NewAccount, config: DiscordConfig): DiscordLink | undefined {
  const attribute = config.userIdAttribute ?? ATTRIBUTE;
  const value = Object.hasOwn(profile.attributes, attribute) ? profile.attributes[attribute] : undefined;
  return typeof value === 'string' && SNOWFLAKE.test(value) ? { userId: value } : undefined;
}
