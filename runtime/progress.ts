const QUIET_MS = 1_000;
const REPEAT_MS = 5_000;

/** Does a step; one that takes longer than a second says so, every five seconds again, and says when it is done. */
export async function withProgress<Result>(
  what: string,
  log: (line: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const started = Date.now();
  let spoken = false;
  let next = QUIET_MS;
  const timer = setInterval(() => {
    const elapsedMs = Date.now() - started;
    if (elapsedMs < next) return;
    next += REPEAT_MS;
    log(spoken ? `${what} (${Math.round(elapsedMs / 1000)} s) ...` : `${what} ...`);
    spoken = true;
  }, 250);
  try {
    const result = await work();
    if (spoken) log(`${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
