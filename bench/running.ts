interface Killable {
  kill(): void;
}

const groups = new Set<ReadonlyMap<string, Killable>>();
let watches = false;

/** Whatever these hold when this program ends ends with it, also after Ctrl-C: their processes would live on. */
export function killAtExit(parts: ReadonlyMap<string, Killable>): void {
  groups.add(parts);
  if (watches) return;
  watches = true;
  process.on('exit', () => {
    for (const group of groups) for (const part of [...group.values()].toReversed()) part.kill();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}
