import { readRequest } from './options';
import { benchProvisioning } from './provisioning';
import { keepSection, showSection } from './report';
import type { Section } from './section';
import { benchBudget } from './sections/budget';
import { benchConsole } from './sections/console';
import { benchFailing } from './sections/failing';
import { benchFiveSystems } from './sections/five-systems';
import { benchFlood } from './sections/flood';
import { benchGuard } from './sections/guard';
import { benchIsolation } from './sections/isolation';
import { benchKills } from './sections/kills';
import { benchOverhead } from './sections/overhead';
import { benchPersons } from './sections/persons';
import { benchScale } from './sections/scale';
import { benchTokens } from './sections/tokens';

/** In the order of the page. */
const SECTIONS: readonly Section[] = [
  { name: 'budget', title: 'At the limit, and never over it', run: benchBudget },
  { name: 'persons', title: 'Persons while a bulk run works', run: benchPersons },
  { name: 'overhead', title: 'What the engine adds to the calls', run: benchOverhead },
  { name: 'scale', title: 'From ten thousand accounts to a million', run: benchScale },
  { name: 'kills', title: 'Killed again and again', run: benchKills },
  { name: 'five-systems', title: 'Five real systems at once, under kills', run: benchFiveSystems },
  { name: 'isolation', title: 'Beside broken services', run: benchIsolation },
  { name: 'guard', title: 'Many lose their right at once', run: benchGuard },
  { name: 'flood', title: '147,000 memberships at once', run: benchFlood },
  { name: 'failing', title: 'One account in ten fails', run: benchFailing },
  { name: 'tokens', title: 'Checking a token', run: benchTokens },
  { name: 'console', title: 'Pages while many are open', run: benchConsole },
  { name: 'provisioning', title: 'Import and provisioning into PostgreSQL', run: benchProvisioning },
];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** `npm run bench [-- names... --seconds n --people n --workers n --only scene --full --keep]`: see docs/benchmarks.md. */
async function main(): Promise<void> {
  const request = readRequest(process.argv.slice(2));
  const unknown = request.names.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length > 0) {
    throw new Error(`there is no ${unknown.join(', ')}; there are ${SECTIONS.map(({ name }) => name).join(', ')}`);
  }
  const chosen = SECTIONS.filter(({ name }) => request.names.length === 0 || request.names.includes(name));
  for (const section of chosen) await measure(section, request);
}

async function measure(section: Section, request: ReturnType<typeof readRequest>): Promise<void> {
  const { names: _names, keeps, ...sizes } = request;
  const begun = performance.now();
  say(`${section.name}: begins`);
  const report = await section.run({ ...sizes, log: (line) => say(`${section.name}: ${line}`) });
  const seconds = Math.round((performance.now() - begun) / 1_000);
  say(`\n${showSection(section.title, report, seconds)}`);
  const order = SECTIONS.map(({ name }) => name);
  if (keeps) keepSection(section, { ...report, seconds, isPart: request.only !== undefined }, order);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    for (let left = error; left instanceof Error; left = left.cause) {
      process.stderr.write(`bench: ${left.stack ?? left.message}\n`);
    }
    process.exit(1);
  },
);
