import { z } from 'zod';

/** A path of ours: never another site, whatever browsers make of slashes. No fragment: ours stands there. */
export const localPath = z
  .string()
  .max(500)
  .regex(/^\/(?![/\\])[\x21\x22\x24-\x5b\x5d-\x7e]*$/, 'must be a path that begins with one slash')
  .meta({ description: 'where the browser goes at the end: a path of this site' });
