/** How long what is over is kept, in days. */
export interface RetentionDays {
  /** Steps in the history of accounts. Default 90. */
  readonly events: number;
  /** Operations that have ended, with what was imported and the requests for passwords (never their secrets). Default 180. */
  readonly operations: number;
  /** The results of every account of a bulk sync; its totals stay as long as operations. Default 30. */
  readonly syncItems: number;
  /** Notifications. Default 90. */
  readonly notifications: number;
  /** What comparisons with the far side found. Default 30. */
  readonly reconciliations: number;
  /** Administrative acts and refusals. Default 400. */
  readonly audit: number;
}

/** What one look at the tokens did. */
export interface TokenPurge {
  /** Tokens that had expired. */
  readonly purged: number;
  /** Tokens that expire soon, of which somebody was told. */
  readonly announced: number;
}

export const DEFAULT_RETENTION: RetentionDays = {
  events: 90,
  operations: 180,
  syncItems: 30,
  notifications: 90,
  reconciliations: 30,
  audit: 400,
};
