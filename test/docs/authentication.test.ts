import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { problemStatuses } from '../../api/openapi';
import { routes } from '../../api/routes/index';
import { BUILT_IN_ROLES } from '../../auth/roles';
import type { Route } from '../../api/route';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'authentication.md'), 'utf8');

/** The rows of the table that follows a marker, cells trimmed. */
function tableAfter(marker: string): readonly (readonly string[])[] {
  const lines = page.slice(page.indexOf(marker)).split('\n');
  const rows = lines.slice(lines.findIndex((line) => line.startsWith('|')));
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

const identity = routes.filter(
  ({ path }) => /^\/v1\/(auth(\/|$)|audit)/.test(path) && !/\/(oidc|mail|password\/reset)/.test(path),
);

/** What the table must say of a route. */
function rowOf(route: Route): readonly string[] {
  return [`\`${route.method.toUpperCase()} ${route.path}\``, callerOf(route), bodyOf(route), statusesOf(route)];
}

function callerOf({ acl, own }: Route): string {
  if (acl === 'public') return 'anybody';
  if (acl === 'authenticated') return 'any token';
  return own === undefined ? `\`${acl}\`` : `\`${acl}\`, its owner: \`${own.acl}\``;
}

function bodyOf({ body }: Route): string {
  if (body === undefined) return '';
  const { properties = {}, required = [] } = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' });
  const keys = Object.keys(properties).map((key) => (required.includes(key) ? key : `${key}?`));
  return keys.length === 0 ? "flat, as the provider's package says" : `\`{${keys.join(', ')}}\``;
}

function statusesOf(route: Route): string {
  const statuses = [...Object.keys(route.responses).map(Number), ...problemStatuses(route)];
  return [...new Set(statuses)].toSorted((left, right) => left - right).join(', ');
}

describe('docs/authentication.md', () => {
  const written = tableAfter('<!-- routes -->');

  test.each(identity.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))(
    'says of %s who may call it, what it takes, what it answers',
    (_title, route) => {
      const row = rowOf(route);

      expect(written.find(([name]) => name === row[0])?.slice(0, 4) ?? 'no row').toEqual(row);
    },
  );

  test('names no route that there is not', () => {
    expect(written.map(([name]) => name).toSorted()).toEqual(identity.map((route) => rowOf(route)[0]).toSorted());
  });

  test('names every built-in role with what it holds', () => {
    const rows = tableAfter('<!-- roles -->').map(([name, acl]) => [name, acl]);

    expect(rows).toEqual(
      BUILT_IN_ROLES.map(({ name, acl }) => [`\`${name}\``, acl.map((entry) => `\`${entry}\``).join(' ')]),
    );
  });

  test("names every path of the seed's that is an alias", () => {
    const aliases = routes.filter(({ path }) => path.startsWith('/builtin/')).map((route) => rowOf(route)[0]);

    expect(tableAfter('<!-- aliases -->').map(([name]) => name)).toEqual(aliases);
  });
});
