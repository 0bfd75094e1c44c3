import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../connectors/programs';

const PROGRAM = join(__dirname, '..', '..', 'dist', 'bench', 'main.js');
const LONGEST_MS = 290_000;
const PROGRAMS = ['slapd', 'ldapsearch', 'psql', 'scim2-server', 'erl', 'epmd', '/usr/lib/rabbitmq/bin/rabbitmqctl'];

describeWith(PROGRAMS, 'five real systems at once, with a worker that is killed', () => {
  test('hold exactly what should be, says the reader of each', async () => {
    const sizes = ['five-systems', '--people', '60'];

    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...sizes], { timeout: LONGEST_MS });

    const bars = stdout.split('\n').filter((line) => line.includes('exactly what should be'));
    expect(bars).toHaveLength(5);
    expect(bars.filter((line) => !line.endsWith('| met |'))).toEqual([]);
  });
});
