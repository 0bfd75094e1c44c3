import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema, VARIABLES } from '../../config/schema';
import type { Variable } from '../../config/schema';
import { createTestApi } from '../environment/api';
import type { TestApi } from '../environment/api';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');

/** The cells of the table that follows a marker, without its head. */
function tableAfter(marker: string): readonly (readonly string[])[] {
  const lines = page.slice(page.indexOf(marker)).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const rows = lines.slice(first);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** What the table must say about a variable, but for its meaning. */
function rowOf(variable: Variable): readonly string[] {
  const name = `\`${variable.name}\`${variable.isSecret ? ' _file_' : ''}`;
  return [name, `\`${variable.path}\``, defaultOf(variable.path)];
}

function defaultOf(path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], configSchema.parse({}));
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

describe('the configuration in docs/operations.md', () => {
  const table = tableAfter('<!-- configuration -->');

  test('it names every variable with its key and default', () => {
    expect(table.map((row) => row.slice(0, 3))).toEqual(VARIABLES.map(rowOf));
  });

  test('it says of every variable what it means', () => {
    expect(table.filter((row) => (row[3] ?? '').length < 10)).toEqual([]);
  });
});

describe('the figures in docs/operations.md', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi();
  });
  afterAll(() => api.close());

  test("they are Muster's own, all of them", async () => {
    const { text } = await api.call('get', '/metrics');
    const shown = [...text.matchAll(/^# TYPE (muster_\w+) /gm)].map(([, name]) => `\`${name}\``);

    const described = tableAfter('<!-- metrics -->').map(([name]) => name);

    expect(shown.length).toBeGreaterThan(0);
    expect(described.toSorted()).toEqual(shown.toSorted());
  });
});
