import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrations } from '../../store/migrations';
import { LAYERS } from '../architecture/layers';

const ROOT = join(__dirname, '..', '..');

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function pagesIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

/** A heading as a link names it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(file: string): readonly string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
}

describe('the documents', () => {
  const pages = [...pagesIn('.'), ...pagesIn('docs'), ...pagesIn('docs/decisions')];

  test.each(pages)('every link of %s leads somewhere', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link ?? '');

    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(page, '..', path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });

    expect(broken).toEqual([]);
  });

  test('every table of the database is in docs/architecture.md', () => {
    const page = read('docs/architecture.md');
    const tables = Object.values(migrations).flatMap((sql) =>
      [...sql.matchAll(/^create table (\w+)/gm)].map(([, name]) => name),
    );

    expect(tables.length).toBeGreaterThan(20);
    expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([]);
  });

  test('every layer is in docs/architecture.md with what it may import', () => {
    const page = read('docs/architecture.md');
    const wrong = Object.entries(LAYERS).filter(([folder, { from }]) => {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${folder}/\``));
      return row === undefined || from.some((allowed) => !row.includes(`\`${allowed.replace(/^type /, '')}\``));
    });

    expect(wrong.map(([folder]) => folder)).toEqual([]);
  });

  test('every decision is in the list of decisions', () => {
    const list = read('docs/decisions/README.md');
    const decisions = pagesIn('docs/decisions').filter((page) => !page.endsWith('README.md'));

    expect(decisions.filter((page) => !list.includes(`(${page.split('/').at(-1)})`))).toEqual([]);
  });
});
