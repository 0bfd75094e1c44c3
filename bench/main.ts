import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchProvisioning } from './provisioning';
import { reportOf } from './report';

const DEFAULT_PEOPLE = 10_000;

/** `npm run bench [-- people]`: measures, prints, and writes docs/benchmarks.md when it ran at full size. */
async function main(): Promise<void> {
  const people = Number(process.argv[2] ?? DEFAULT_PEOPLE);
  const figures = await benchProvisioning(people, (line) => void process.stdout.write(`${line}\n`));
  const report = reportOf(figures, new Date());
  process.stdout.write(`\n${report}`);
  if (people === DEFAULT_PEOPLE) writeFileSync(join(__dirname, '..', '..', 'docs', 'benchmarks.md'), report);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
