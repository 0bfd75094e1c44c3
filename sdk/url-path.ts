import { Rejected } from './errors';

/** A path with its values escaped, and the same path without them for messages and metrics. */
export interface UrlPath {
  readonly text: string;
  /** E.g. `/users/{}`: shows which call it was, without a name or an address in it. */
  readonly shape: string;
}

/**
 * Template tag for paths: path`/users/${id}/groups`. Every value becomes exactly one segment, whatever is in it. Throws
 * Rejected for an empty one and for `.` and `..`, which no escaping keeps apart from the folders they mean.
 */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number)[]): UrlPath {
  const escaped = values.map((value) => {
    const text = String(value);
    if (text === '' || text === '.' || text === '..' || /\p{Cs}/u.test(text)) {
      throw new Rejected('A name or id of this call cannot be part of a URL.', { code: 'name-characters' });
    }
    return encodeURIComponent(text);
  });
  return {
    text: parts.map((part, index) => part + (escaped[index] ?? '')).join(''),
    shape: parts.join('{}'),
  };
}
