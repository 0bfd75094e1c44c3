import { Misconfigured, Rejected } from '@muster/sdk';
import { open, sign } from './connect';
import type { SignedPayload } from './connect';
import type { DiscourseConfig } from './schema';
import type { Person } from './users';

/** What the forum asked for when it sent somebody here. */
export interface LoginRequest {
  readonly nonce: string;
  readonly back: URL;
}

/** Checks the forum's signature, and that it wants people back at the forum of the configuration and nowhere else. */
export function readLogin(signed: SignedPayload, config: DiscourseConfig): LoginRequest {
  const asked = open(signed, config.connectSecret);
  const nonce = asked.get('nonce') ?? '';
  if (nonce === '') throw new Rejected('The forum sent no nonce.', { code: 'nonce' });
  return { nonce, back: returnUrl(asked.get('return_sso_url'), config) };
}

/** Where to send them back, with who they are. */
export function answerLogin({ nonce, back }: LoginRequest, person: Person, config: DiscourseConfig): string {
  const { userId, username, name, email } = person;
  const fields = { nonce, external_id: userId, email: email ?? undefined, username, name };
  const { sso, sig } = sign(fields, config.connectSecret);
  const url = new URL(back);
  url.searchParams.set('sso', sso);
  url.searchParams.set('sig', sig);
  return url.href;
}

function returnUrl(text: string | null, config: DiscourseConfig): URL {
  const forum = new URL(config.url);
  if (text === null) return new URL(`${forum.href.replace(/\/+$/, '')}/session/sso_login`);
  if (URL.canParse(text) && new URL(text).origin === forum.origin) return new URL(text);
  throw new Misconfigured('The forum wants people back at another address than that of the configuration.', {
    code: 'return-url',
  });
}
