/** Texts of a person's own pages. */
export const SERVICES = {
  title: 'Services',
  caption: 'Services that you may use',
  service: 'Service',
  username: 'Username',
  address: 'Address',
  actions: 'What you can do',
  none: 'There is no service for you yet. As soon as you are given one, it stands here.',
  setPassword: (service: string) => `Password for ${service}`,
  password: 'New password',
  passwordHint: 'At least 8 characters. It replaces the one that you have there now.',
  submit: 'Set password',
} as const;
