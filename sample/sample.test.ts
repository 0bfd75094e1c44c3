import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { RosterUser } from '../domain/roster';
import { readRoster } from '../roster';

async function readSample(): Promise<{ readonly users: readonly RosterUser[]; readonly groups: readonly string[] }> {
  const chunks = createReadStream(join(__dirname, 'organisation.yaml'));
  const roster = await readRoster({ chunks, format: 'yaml', mode: 'replace', states: ['Member', 'Blue', 'Guest'] });
  expect(roster.problems).toEqual([]);
  const users: RosterUser[] = [];
  for await (const batch of roster.spool.batches()) users.push(...(JSON.parse(batch.text) as RosterUser[]));
  await roster.spool.close();
  return { users, groups: roster.groups };
}

test('the sample is a roster of 200 people in 30 groups and all states', async () => {
  const { users, groups } = await readSample();

  expect(users).toHaveLength(200);
  expect(groups).toHaveLength(30);
  expect(new Set(users.flatMap((user) => user.groups)).size).toBe(30);
  expect(new Set(users.map((user) => user.state))).toEqual(new Set(['Member', 'Blue', null]));
  expect(users.filter((user) => user.active === false).length).toBeGreaterThan(5);
  expect(users.find((user) => user.username === 'ada')).toMatchObject({
    displayName: 'Ada Lovelace',
    active: true,
    state: 'Member',
  });
});

test('the sample file is what its script makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-sample-'));
  try {
    execFileSync(process.execPath, [join(__dirname, 'make-organisation.mjs'), join(folder, 'out.yaml')]);

    expect(readFileSync(join(folder, 'out.yaml'), 'utf8')).toBe(
      readFileSync(join(__dirname, 'organisation.yaml'), 'utf8'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the sample service is granted to members and blues', () => {
  const sample = parse(readFileSync(join(__dirname, 'services.yaml'), 'utf8')) as {
    service: { name: string };
    grants: object[];
  };

  expect(sample.service.name).toBe('postgres');
  expect(sample.grants).toEqual([{ state: 'name:Member' }, { state: 'name:Blue' }]);
});
