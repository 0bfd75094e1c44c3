import { z } from 'zod';
import { Problem } from './problem';
import type { RequestFacts } from './route';

/** Query parameters of every list. Spread into a route's `query`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number from 1 to 500')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 500, 'must be a number from 1 to 500')
    .default(50)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 500, default: 50 } }),
  cursor: z
    .string()
    .max(2000)
    .regex(/^[\w-]+$/, 'must be a cursor that this list gave')
    .optional()
    .meta({ description: 'the `cursor` of the page before; opaque' }),
} as const;

/** Schema of a page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    cursor: z
      .string()
      .optional()
      .meta({ description: 'give it as `cursor` for the next page; absent on the last one' }),
    next: z.string().optional().meta({ description: 'link to the next page' }),
  });
}

/**
 * The position after which the page begins, as `pageAnswer` wrote it: the values that the list is ordered by.
 * undefined = the first page. @throws Problem invalid-request when the cursor is not one of ours or of another list.
 */
export function readCursor<Key extends z.ZodType>(cursor: string | undefined, key: Key): z.output<Key> | undefined {
  if (cursor === undefined) return undefined;
  const parsed = key.safeParse(decode(cursor));
  if (!parsed.success) {
    throw new Problem('invalid-request', 'The cursor is not one that this list gave.', {
      errors: [{ pointer: '/query/cursor', detail: 'take it from the page before, unchanged' }],
    });
  }
  return parsed.data;
}

export interface PageInput<Row, Item> {
  /** Read one more than `limit`, so that it is known whether there is a next page. */
  readonly rows: readonly Row[];
  readonly limit: number;
  readonly show: (row: Row) => Item;
  /** The values that the list is ordered by, of one row. */
  readonly keyOf: (row: Row) => unknown;
}

/**
 * Answers one page. Ask the store for `limit + 1` rows.
 *
 * @example
 * const after = readCursor(query.cursor, z.string());
 * const rows = await listGroups(context.db, { after, limit: query.limit + 1 });
 * return pageAnswer(request, { rows, limit: query.limit, show: showGroup, keyOf: (row) => row.name });
 */
export function pageAnswer<Row, Item>(
  request: Pick<RequestFacts, 'url'>,
  page: PageInput<Row, Item>,
): {
  readonly status: 200;
  readonly body: { readonly items: readonly Item[]; readonly cursor?: string; readonly next?: string };
} {
  const shown = page.rows.slice(0, page.limit);
  const items = shown.map(page.show);
  const last = shown.at(-1);
  if (page.rows.length <= page.limit || last === undefined) return { status: 200, body: { items } };
  const cursor = encode(page.keyOf(last));
  return { status: 200, body: { items, cursor, next: linkTo(request.url, cursor) } };
}

function encode(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function linkTo(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `${path}?${parameters.toString()}`;
}
