/** Reads an organisation's roster from JSON, NDJSON, YAML or CSV: streams, checks everything, changes nothing. */
export { readRoster } from './read-roster';
export type { ReadRoster } from './read-roster';
export type { RosterFormat } from './items';
