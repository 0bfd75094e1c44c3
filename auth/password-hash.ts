import { hash, verify } from '@node-rs/argon2';

/** `Algorithm.Argon2id`: a constant enum, which cannot be imported here. */
const ARGON2ID = 2;

/** What one hash costs. */
export interface HashCost {
  /** Default 19,456 (OWASP's first choice for argon2id with two passes). */
  readonly memoryKiB: number;
  /** Default 2. */
  readonly passes: number;
}

/** Hashes passwords and compares them. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** With no hash (nobody has this name) it takes as long as with one, and answers false. */
  matches(password: string, hashed: string | undefined): Promise<boolean>;
}

/** argon2id, in threads of its own. */
export function createPasswordHasher(cost: HashCost): PasswordHasher {
  const options = { algorithm: ARGON2ID, memoryCost: cost.memoryKiB, timeCost: cost.passes, parallelism: 1 };
  let decoy: Promise<string> | undefined;
  return {
    hash: (password) => hash(password, options),
    matches: async (password, hashed) => {
      decoy ??= hash('nobody has this password', options);
      const isRight = await verify(hashed ?? (await decoy), password);
      return isRight && hashed !== undefined;
    },
  };
}
