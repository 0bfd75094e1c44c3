/** A configuration in two parts: what may be shown, and what is sealed key by key. */
export interface SealedConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealedConfig: Buffer | null;
}
