import { parseArgs } from 'node:util';

/** What `npm run bench -- ...` was asked for. */
export interface BenchRequest {
  /** Names of sections; none = all. */
  readonly names: readonly string[];
  readonly seconds?: number;
  readonly people?: number;
  readonly workers?: number;
  readonly only?: string;
  readonly full: boolean;
  /** Sizes that were given make other figures: those are shown, not kept, unless `--keep` says so. */
  readonly keeps: boolean;
}

/** Reads the arguments. @throws Error in words for a person */
export function readRequest(args: readonly string[]): BenchRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      people: { type: 'string' },
      workers: { type: 'string' },
      only: { type: 'string' },
      full: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const sizes = {
    ...numberOf('seconds', values.seconds),
    ...numberOf('people', values.people),
    ...numberOf('workers', values.workers),
    ...(values.only === undefined ? {} : { only: values.only }),
  };
  return {
    names: positionals,
    ...sizes,
    full: values.full,
    keeps: values.keep || Object.keys(sizes).length === 0,
  };
}

function numberOf<Name extends string>(name: Name, text: string | undefined): Partial<Record<Name, number>> {
  if (text === undefined) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1 on`);
  return { [name]: value } as Record<Name, number>;
}
