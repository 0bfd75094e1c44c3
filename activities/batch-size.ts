/** Accounts of a batch are leased together: what a batch takes is how long a person may wait behind it. */
const AIM_MS = 700;
const LEAST = 4;
const MOST = 50;
const FIRST = 10;

const sizes = new Map<string, number>();

/** How many accounts of a service are taken up together now: as many as it has lately done in well under a second. */
export function batchSize(serviceId: string): number {
  return sizes.get(serviceId) ?? FIRST;
}

/** Tells how long a batch took; the size moves by half at most, so that one slow call is no verdict. */
export function batchTook(serviceId: string, batch: { readonly items: number; readonly ms: number }): void {
  if (batch.items === 0) return;
  const now = batchSize(serviceId);
  const fitting = (batch.items * AIM_MS) / Math.max(1, batch.ms);
  const next = Math.round(Math.min(now * 1.5, Math.max(now / 2, fitting)));
  sizes.set(serviceId, Math.min(MOST, Math.max(LEAST, next)));
}
