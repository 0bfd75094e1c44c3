/** Texts of the way in. */
export const SIGN_IN = {
  title: 'Sign in',
  username: 'Username',
  password: 'Password',
  submit: 'Sign in',
  with: (name: string) => `Sign in with ${name}`,
  outThere: (name: string) => `Sign out at ${name} as well`,
  or: 'or',
  wrong: 'Username or password is not right.',
  wait: (seconds: string) => `Too many failed tries. Wait ${seconds} seconds.`,
  tooMany: 'You are signed in at too many places. End one of those sessions, or wait until they expire.',
  away: 'The system that knows your password does not answer. Try again in a minute.',
  declined: 'You were not signed in there.',
  failed: 'The other side could not say who you are. Try again.',
  expired: 'That took too long, or was begun in another browser. Try again.',
  none: 'No way to sign in is configured.',
  plain:
    'This address is reached without encryption, so no sign-in is offered here. Use https, or localhost on the machine itself; ' +
    'whoever runs Muster can name this address in MUSTER_PUBLIC_URL if the network is trusted.',
  forgotten: 'I have no password, or forgot it',
  newHere: 'Nobody can sign in yet: make the first administrator',
} as const;

/** Texts of the mail for a new password. */
export const FORGOTTEN = {
  title: 'A new password',
  login: 'Username or mail address',
  submit: 'Send me a link',
  back: 'Back to the sign-in',
  heard: 'If there is such a login, a mail with a link is on its way.',
} as const;

/** Texts of the page behind the links in mails. */
export const CHOOSE = {
  title: 'Choose a password',
  token: 'Code of your link',
  tokenHint: 'What stands behind #token= in the link of the mail. The whole link will do.',
  password: 'Password',
  hint: 'At least 8 characters.',
  submit: 'Set password',
  another: 'Send me another link',
} as const;

/** Texts of the first start. */
export const START = {
  title: 'The first administrator',
  text: 'Nobody can sign in yet. Whoever started Muster can read its admin token, and so prove that this installation is theirs.',
  token: 'Admin token',
  tokenHint: 'It stands in the file admin-token in the folder of this installation; npm start says where that is.',
  username: 'Username of the administrator',
  password: 'Password, at least 8 characters',
  submit: 'Make the administrator',
  wrong: 'That is not the admin token of this installation.',
} as const;
