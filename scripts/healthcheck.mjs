// Exit code 0 when the process of this container serves. Node's own modules only.
const CHECKS = {
  api: { url: `http://127.0.0.1:${process.env.MUSTER_API_PORT ?? '8080'}/health/ready`, shows: /"status"/ },
  // The page comes from Temporal's core: a worker that polls for work has pollers in it.
  worker: {
    url: `http://127.0.0.1:${process.env.MUSTER_METRICS_PORT ?? '9464'}/metrics`,
    shows: /^temporal_num_pollers\{[^}]*\} [1-9]/m,
  },
};
const TIMEOUT_MS = 3_000;

const check = CHECKS[process.argv[2]];
if (check === undefined) {
  console.error(`usage: healthcheck.mjs ${Object.keys(CHECKS).join('|')}`);
  process.exit(2);
}
try {
  const response = await fetch(check.url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  process.exitCode = response.ok && check.shows.test(await response.text()) ? 0 : 1;
} catch {
  process.exitCode = 1;
}
