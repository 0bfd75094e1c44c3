import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { configSchema, VARIABLES } from './schema';
import type { z } from 'zod';
import type { Config, Variable } from './schema';

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration cannot be used. `problems` names every variable or key that is wrong, never a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/**
 * Reads the configuration: environment over the YAML file that MUSTER_CONFIG names over defaults. Secrets may also come
 * from the file that `<NAME>_FILE` names. An empty variable counts as absent.
 * @throws ConfigError with all problems at once
 */
export function loadConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const values = readConfigFile(env, problems);
  const sources = new Map<string, string>();
  for (const variable of VARIABLES) {
    const found = readVariable(variable, env, problems);
    if (found === undefined) continue;
    assign(values, variable.path, found.value);
    sources.set(variable.path, found.source);
  }
  const parsed = configSchema.safeParse(values);
  if (!parsed.success)
    problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, sources, env['MUSTER_CONFIG'])));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return parsed.data;
}

/** The value of a setting that this process cannot do without. @throws ConfigError naming its variable */
export function required(config: Config, key: 'databaseUrl' | 'temporalAddress'): string {
  const value = config[key];
  if (value !== undefined) return value;
  const name = VARIABLES.find((variable) => variable.path === key)?.name ?? key;
  throw new ConfigError([`${name} is needed by this process`]);
}

/** Where browsers reach the API, without a slash at the end: what is configured, else where it listens. */
export function publicUrlOf({
  publicUrl,
  apiHost,
  apiPort,
}: Pick<Config, 'publicUrl' | 'apiHost' | 'apiPort'>): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  return `http://${apiHost.includes(':') ? `[${apiHost}]` : apiHost}:${apiPort}`;
}

function readConfigFile(env: Environment, problems: string[]): Record<string, unknown> {
  const file = env['MUSTER_CONFIG'];
  if (file === undefined || file === '') return {};
  try {
    const content: unknown = parse(readFileSync(file, 'utf8')) ?? {};
    if (typeof content === 'object' && !Array.isArray(content))
      return structuredClone(content) as Record<string, unknown>;
    problems.push(`MUSTER_CONFIG: ${file} must hold keys and values`);
  } catch (error) {
    // The parser's message quotes lines of the file, which may be secrets: only its kind is told.
    problems.push(`MUSTER_CONFIG: ${file} cannot be read (${codeOf(error)})`);
  }
  return {};
}

interface Found {
  readonly value: string;
  readonly source: string;
}

function readVariable(variable: Variable, env: Environment, problems: string[]): Found | undefined {
  const direct = present(env[variable.name]);
  const fileVariable = `${variable.name}_FILE`;
  const file = variable.isSecret ? present(env[fileVariable]) : undefined;
  if (direct !== undefined && file !== undefined) {
    problems.push(`${variable.name} and ${fileVariable} are both set: keep one`);
    return undefined;
  }
  if (file === undefined) return direct === undefined ? undefined : { value: direct, source: variable.name };
  try {
    return { value: readFileSync(file, 'utf8').trim(), source: fileVariable };
  } catch (error) {
    problems.push(`${fileVariable}: ${file} cannot be read (${codeOf(error)})`);
    return undefined;
  }
}

function present(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function assign(values: Record<string, unknown>, path: string, value: string): void {
  const [first = '', second] = path.split('.');
  if (second === undefined) {
    values[first] = value;
    return;
  }
  const nested = values[first];
  values[first] = { ...(typeof nested === 'object' && nested !== null ? nested : {}), [second]: value };
}

function describe(
  issue: z.core.$ZodIssue,
  sources: ReadonlyMap<string, string>,
  file: string | undefined,
): readonly string[] {
  const path = issue.path.slice(0, 2).map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${file ?? 'configuration'}: ${[path, key].filter((part) => part !== '').join('.')} is not a setting`,
    );
  }
  const variable = VARIABLES.find((candidate) => candidate.path === path);
  const source = sources.get(path);
  if (source !== undefined) return [`${source} ${issue.message}`];
  const name = variable === undefined ? path : `${path} (${variable.name})`;
  return [`${file === undefined || file === '' ? '' : `${file}: `}${name} ${issue.message}`];
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
