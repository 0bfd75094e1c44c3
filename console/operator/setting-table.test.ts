import { z } from 'zod';
import { serviceFields } from '../../api/service-views';
import { OPTION_TEXTS, SETTING_TEXTS } from '../texts/operator-service';
import { SECTIONS } from './setting-table';
import type { Setting } from './setting-table';

interface Schema {
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** Set elsewhere: by the fields of the connector, and by buttons. */
const ELSEWHERE = ['config', 'enabled'];

const settings: readonly Setting[] = Object.values(SECTIONS).flat();
const root = z.toJSONSchema(z.strictObject(serviceFields)) as Schema;
const leaves = new Map(leavesOf('', root));

/** Everything that can be set, by its path: what has named parts is no setting itself. */
function leavesOf(path: string, schema: Schema): readonly (readonly [path: string, schema: Schema])[] {
  const own = resolved(schema);
  if (own.properties === undefined) return [[path, own]];
  return Object.entries(own.properties).flatMap(([key, inner]) =>
    leavesOf(path === '' ? key : `${path}.${key}`, inner),
  );
}

function resolved(schema: Schema): Schema {
  const named = schema.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
  const one = named ?? schema;
  return one.anyOf?.find(({ properties, enum: values }) => properties !== undefined || values !== undefined) ?? one;
}

test('everything that the API lets one set about a service has a field in a form, with a text of its own', () => {
  const paths = settings.map(({ path }) => path);

  expect([...paths].toSorted()).toEqual([...leaves.keys()].filter((path) => !ELSEWHERE.includes(path)).toSorted());
  expect(paths.filter((path) => SETTING_TEXTS[path] === undefined)).toEqual([]);
});

test('a choice offers exactly what the API takes, in words', () => {
  const choices = settings.filter(({ kind }) => kind === 'choice');

  expect(choices.map(({ path, options = [] }) => [path, options.filter((one) => one !== '')])).toEqual(
    choices.map(({ path }) => [path, leaves.get(path)?.enum]),
  );
  const unnamed = choices.flatMap(({ path, options = [] }) =>
    options.filter((one) => OPTION_TEXTS[path]?.[one] === undefined).map((one) => `${path}: ${one}`),
  );
  expect(unnamed).toEqual([]);
});
