import { randomBytes } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RosterBatch, RosterUser } from '../domain/roster';

/** Kept in memory up to so many characters; what is larger goes to a file that has no name and is gone with the process. */
const MEMORY_LENGTH = 16 * 1_048_576;

/**
 * The validated people of a roster, in batches of JSON. They are kept outside the database until the last line is known to
 * be good, so that a slow sender holds no transaction open, and can be read again when a transaction must be repeated.
 */
export class RosterSpool {
  #batches: RosterBatch[] = [];
  #length = 0;
  #file: FileHandle | undefined;
  #positions: { readonly at: number; readonly bytes: number; readonly size: number }[] = [];
  #end = 0;

  /** Adds a batch. @throws when the temporary folder is full or cannot be written. */
  async add(users: readonly RosterUser[]): Promise<void> {
    const text = JSON.stringify(users);
    this.#length += text.length;
    if (this.#length <= MEMORY_LENGTH) {
      this.#batches.push({ text, size: users.length });
      return;
    }
    this.#file ??= await openNameless();
    const bytes = Buffer.from(text);
    await this.#file.write(bytes, 0, bytes.length, this.#end);
    this.#positions.push({ at: this.#end, bytes: bytes.length, size: users.length });
    this.#end += bytes.length;
  }

  /** Every batch in order. May be called again. */
  async *batches(): AsyncGenerator<RosterBatch> {
    yield* this.#batches;
    for (const { at, bytes, size } of this.#positions) {
      const buffer = Buffer.allocUnsafe(bytes);
      await this.#file?.read(buffer, 0, bytes, at);
      yield { text: buffer.toString('utf8'), size };
    }
  }

  /** Frees the memory and the file. Call it once the import is over, whatever its outcome. */
  async close(): Promise<void> {
    this.#batches = [];
    this.#positions = [];
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `muster-roster-${randomBytes(12).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  // Unlinked while open: nobody else can read it, and a killed process leaves nothing behind.
  await unlink(path);
  return file;
}
