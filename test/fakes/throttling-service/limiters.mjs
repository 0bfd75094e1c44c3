/** How services count. Each answers whether a call that arrives now is let in, and what it would say about itself. */

/**
 * @typedef {object} Limit
 * @property {'window' | 'bucket' | 'log'} kind
 * @property {number} limit
 * @property {number} windowMs
 * @property {number} [burst] what a bucket holds; default: `limit`
 * @property {number} [phaseMs] where windows begin
 * @property {string} [route] only for this route, e.g. `PATCH /accounts/{}`
 */

/** @param {Limit} limit */
export function createLimiter(limit) {
  if (limit.kind === 'bucket') return bucket(limit);
  if (limit.kind === 'log') return slidingLog(limit);
  return fixedWindow(limit);
}

function fixedWindow({ limit, windowMs, phaseMs = 0 }) {
  let index = -1;
  let used = 0;
  const turn = (nowMs) => {
    const now = Math.floor((nowMs - phaseMs) / windowMs);
    if (now !== index) used = 0;
    index = now;
  };
  return {
    has: (nowMs) => {
      turn(nowMs);
      return used < limit;
    },
    take: (nowMs, count = 1) => {
      turn(nowMs);
      used += count;
    },
    tell: (nowMs) => {
      turn(nowMs);
      const resetMs = (index + 1) * windowMs + phaseMs - nowMs;
      return { limit, windowMs, remaining: Math.max(0, limit - used), resetMs, waitMs: used < limit ? 0 : resetMs };
    },
  };
}

function bucket({ limit, windowMs, burst = limit }) {
  let level = burst;
  let atMs = 0;
  const refill = (nowMs) => {
    level = Math.min(burst, level + ((nowMs - atMs) * limit) / windowMs);
    atMs = nowMs;
  };
  return {
    has: (nowMs) => {
      refill(nowMs);
      return level >= 1;
    },
    take: (nowMs, count = 1) => {
      refill(nowMs);
      level -= count;
    },
    tell: (nowMs) => {
      refill(nowMs);
      const oneMs = windowMs / limit;
      return {
        limit,
        windowMs,
        remaining: Math.max(0, Math.floor(level)),
        resetMs: (burst - level) * oneMs,
        waitMs: Math.max(0, (1 - level) * oneMs),
      };
    },
  };
}

function slidingLog({ limit, windowMs }) {
  const log = [];
  const forget = (nowMs) => {
    while (log.length > 0 && log[0] <= nowMs - windowMs) log.shift();
  };
  return {
    has: (nowMs) => {
      forget(nowMs);
      return log.length < limit;
    },
    take: (nowMs, count = 1) => {
      for (let taken = 0; taken < count; taken += 1) log.push(nowMs);
    },
    tell: (nowMs) => {
      forget(nowMs);
      const waitMs = log.length < limit ? 0 : log[0] + windowMs - nowMs;
      const resetMs = log.length === 0 ? windowMs : log[0] + windowMs - nowMs;
      return { limit, windowMs, remaining: Math.max(0, limit - log.length), resetMs, waitMs };
    },
  };
}
