const PAGE = 500;

/** The broker answers everything at once; Muster keeps it in parts. */
export function pageOf<T extends { readonly name: string }>(
  all: readonly T[],
  cursor: string | undefined,
): { readonly items: readonly T[]; readonly next: { readonly next?: string } } {
  const rest = all
    .filter(({ name }) => cursor === undefined || name > cursor)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const items = rest.slice(0, PAGE);
  const last = items.at(-1);
  return { items, next: rest.length > PAGE && last !== undefined ? { next: last.name } : {} };
}
