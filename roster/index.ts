/** Reads an organisation's roster from JSON, NDJSON, YAML or CSV: streams, checks everything, changes nothing. */
export { MAX_PROBLEMS, readRoster } from './read-roster';
export type { ReadRoster, RosterProblem, RosterSource } from './read-roster';
export type { RosterFormat } from './items';
export { RosterSpool } from './spool';
