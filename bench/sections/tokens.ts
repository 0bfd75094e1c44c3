import { paragraphs, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';
import { startServers } from '../servers';
import { benchTokenCheck } from '../token-check';

/** How long the check of a token takes over HTTP, with a permission. */
export async function benchTokens(options: BenchOptions): Promise<SectionReport> {
  const servers = await startServers(options.log);
  try {
    const figures = await benchTokenCheck(servers.client, servers.apiUrl);
    const { checks, concurrency, perSecond, p50Ms, p99Ms } = figures;
    return {
      method:
        paragraphs(`${checks} checks of the tokens of ten clients, each with a permission, ${concurrency} at a time over kept
        connections; one API process, one statement in its database for each check.`),
      tables: [
        {
          columns: ['checks', 'at a time', 'a second', 'p50', 'p99'],
          rows: [[String(checks), String(concurrency), short(perSecond), `${short(p50Ms)} ms`, `${short(p99Ms)} ms`]],
        },
      ],
      bars: [],
    };
  } finally {
    await servers.stop();
  }
}
