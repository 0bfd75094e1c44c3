/** What is said once on the page after an act. The key stands in the address, so the text is only ever ours. */
export const SAID = {
  done: 'Done.',
  started: 'Started. This page shows how far it is.',
  saved: 'Saved.',
  'signed-out': 'You are signed out.',
  'signed-out-everywhere': 'You are signed out everywhere.',
  'password-set': 'The password is set. Sign in with it.',
  'admin-made': 'The administrator is made. Sign in.',
  read: 'Marked as read.',
  linked: 'The account is linked.',
  unlinked: 'The account is not linked any more.',
  ended: 'It was ended.',
  deleted: 'It was deleted.',
} as const;

/** The key of one of them. */
export type Said = keyof typeof SAID;

/** The text for a key of an address; anything else says nothing. */
export function saidText(key: string | null): string | undefined {
  return key !== null && Object.hasOwn(SAID, key) ? SAID[key as Said] : undefined;
}
