/** What one section of docs/benchmarks.md says; kept as JSON, so that each can be measured by itself. */
export interface SectionReport {
  /** How it was measured: paragraphs. */
  readonly method: readonly string[];
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
  /** What the figures mean, or what was not measured: paragraphs. */
  readonly remarks?: readonly string[];
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One thing that must hold, and whether it did. */
export interface Bar {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Sizes and places of a run; what is not given on the command line has each section's own default. */
export interface BenchOptions {
  readonly log: (line: string) => void;
  /** How long rates are measured. */
  readonly seconds?: number;
  readonly people?: number;
  readonly workers?: number;
  /** Only scenes of a section whose name contains this. */
  readonly only?: string;
  /** Also what takes an hour. */
  readonly full: boolean;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  readonly run: (options: BenchOptions) => Promise<SectionReport>;
}

/** `measured` is at most `limit`. */
export function atMost(what: string, measured: number, limit: { readonly value: number; readonly unit?: string }): Bar {
  const { value, unit = '' } = limit;
  const shown = `${short(measured)}${unit}`;
  return { what, wanted: `at most ${value}${unit}`, measured: shown, met: measured <= value };
}

/** `measured` is at least `limit`. */
export function atLeast(
  what: string,
  measured: number,
  limit: { readonly value: number; readonly unit?: string },
): Bar {
  const { value, unit = '' } = limit;
  const shown = `${short(measured)}${unit}`;
  return { what, wanted: `at least ${value}${unit}`, measured: shown, met: measured >= value };
}

/** Something that is so or not. */
export function holds(what: string, met: boolean, measured = met ? 'so' : 'not so'): Bar {
  return { what, wanted: 'so', measured, met };
}

/** At most two digits after the point, none where there is nothing after it. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Lines of text as paragraphs; an empty line parts them. */
export function paragraphs(...lines: readonly string[]): readonly string[] {
  return lines.join('\n').split('\n\n');
}

/** The value below which this part of all values lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}
