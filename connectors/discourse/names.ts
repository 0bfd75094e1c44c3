import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** Discourse's site settings `min_username_length` and `max_username_length`, as they are by default. */
const MIN_LENGTH = 3;
const MAX_LENGTH = 20;

/**
 * Letters, digits, `-` and `_`, never two signs in a row, with a letter or digit at the end (Discourse, `UsernameValidator`). Dots
 * are allowed too, but `.json` and the like at the end are not, so they become `_`. Short names are filled up with `1`.
 */
export const forumNames: NameRules = {
  maxLength: MAX_LENGTH,
  clean: (name) => {
    const text = name
      .normalize('NFKD')
      .replace(/[\s.]+/g, '_')
      .replace(/[^A-Za-z0-9_-]/g, '')
      .replace(/([_-])[_-]+/g, '$1')
      .replace(/^-+/, '')
      .slice(0, MAX_LENGTH)
      .replace(/[_-]+$/, '');
    return text === '' ? '' : text.padEnd(MIN_LENGTH, '1');
  },
};

/** The name as it was given; throws Rejected for one that the rules would have altered. */
export function checkedName(name: string): string {
  if (name !== '' && forumNames.clean(name) === name) return name;
  throw new Rejected('The name is too short, too long, or has characters that cannot be in it.', { code: 'name' });
}
