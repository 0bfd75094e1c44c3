import { appendFileSync } from 'node:fs';

/** What the tests believe: every call that arrived, in order, never altered. With `file` also on disk, a line each. */
export function createJournal(file) {
  let lines = [];
  let unwritten = '';
  let timer;
  const flush = () => {
    timer = undefined;
    if (file !== undefined && unwritten !== '') appendFileSync(file, unwritten);
    unwritten = '';
  };
  process.on('exit', flush);
  return {
    note: (line) => {
      lines.push(line);
      if (file === undefined) return;
      unwritten += `${JSON.stringify(line)}\n`;
      timer ??= setTimeout(flush, 50);
    },
    lines: () => lines,
    clear: () => (lines = []),
    summary: (windowMs) => summaryOf(lines, windowMs),
  };
}

function summaryOf(lines, windowMs) {
  const accepted = lines.filter((line) => line.status !== 429).map((line) => line.atMs);
  const byKey = new Map();
  for (const { status, key, route } of lines) {
    if (status === 429 || key === undefined || route.startsWith('GET')) continue;
    byKey.set(`${route} ${key}`, (byKey.get(`${route} ${key}`) ?? 0) + 1);
  }
  return {
    accepted: accepted.length,
    rejected: lines.length - accepted.length,
    firstMs: accepted[0] ?? 0,
    lastMs: accepted.at(-1) ?? 0,
    mostInWindow: mostWithin(accepted, windowMs),
    mostAtOnce: lines.reduce((most, line) => Math.max(most, line.running), 0),
    mostWritesOfOne: Math.max(0, ...byKey.values()),
  };
}

/** The most arrivals in any span of that length. */
function mostWithin(times, windowMs) {
  let from = 0;
  let most = 0;
  for (let to = 0; to < times.length; to += 1) {
    while (times[to] - times[from] >= windowMs) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
