/** Texts of what stands around every page. */
export const FRAME = {
  product: 'Muster',
  skip: 'Skip to the content',
  menu: 'Main menu',
  trail: 'You are here',
  signIn: 'Sign in',
  signOut: 'Sign out',
  you: 'My sign-in',
  notifications: 'Notifications',
  unread: (count: number) => `${count} unread`,
  services: 'Services',
  groups: 'Groups',
  linked: 'Linked accounts',
  operator: 'Operation',
  person: 'My accounts',
  modules: 'More',
  copy: 'Copy',
  copied: 'Copied',
  more: 'More',
  first: 'First page',
  next: 'Next page',
  pages: 'Pages of this list',
  yes: 'yes',
  no: 'no',
  never: 'never',
  none: 'none',
  stopped: 'This page does not renew itself any more. Load it again to see what is new.',
  utc: 'UTC',
} as const;

/** Texts of boxes that rows are ticked by. */
export const SELECTION = {
  title: 'Select',
  all: 'Select all on this page',
  one: (name: string) => `Select ${name}`,
} as const;

/** Texts of the pages that stand in for another one. */
export const REFUSED = {
  notAllowed: 'Not allowed',
  notAllowedText: 'You are signed in, but this page is not for you. Whoever runs Muster here can give you the right.',
  notFound: 'Not found',
  notFoundText: 'There is nothing at this address, or there is no more.',
  invalid: 'That did not work',
  marked: 'Something is not right yet. It is marked below.',
  notRight: 'Something is not right yet:',
  mayNot: 'You may not do this. Whoever runs Muster here can give you the right.',
  foreign: 'This form did not come from a page of yours, or that page is old. Load it again.',
  tooLarge: (most: string) => `What you sent is too large: it can be ${most} at most.`,
  tooMany: 'Too many requests',
  away: 'Muster cannot answer this now',
  awayText: 'A part of Muster does not answer. Nothing that you asked for before is lost. Try again in a minute.',
  broken: 'Something went wrong',
  brokenText: 'The fault is on our side and has been noted. Under this number it is found again:',
  back: 'Back',
  home: 'To the first page',
} as const;
