import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..');

/** A folder with a `node_modules`, as `npm install` leaves it: this checkout's SDK and zod are linked. */
export interface PackagesFolder {
  readonly path: string;
  /** Packs a folder as npm publishes it, and unpacks it here under its name. */
  install(folder: string): Promise<void>;
  /** A package that is one file, of this name and content. */
  write(name: string, source: string): void;
  remove(): void;
}

/** Makes an empty one in the system's temporary folder. */
export function createPackagesFolder(): PackagesFolder {
  const path = mkdtempSync(join(tmpdir(), 'muster-packages-'));
  const modules = join(path, 'node_modules');
  mkdirSync(join(modules, '@muster'), { recursive: true });
  symlinkSync(join(ROOT, 'sdk'), join(modules, '@muster', 'sdk'));
  symlinkSync(join(ROOT, 'node_modules', 'zod'), join(modules, 'zod'));
  return {
    path,
    install: (folder) => install(path, folder),
    write: (name, source) => {
      mkdirSync(join(modules, name), { recursive: true });
      writeFileSync(join(modules, name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
      writeFileSync(join(modules, name, 'index.js'), source);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

async function install(path: string, folder: string): Promise<void> {
  // Packed from a copy, so that nothing is ever written into the checkout.
  const copy = join(path, 'packing');
  cpSync(folder, copy, { recursive: true });
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', path], { cwd: copy });
  const [{ filename, name }] = JSON.parse(packed.stdout) as [{ filename: string; name: string }];
  await run('tar', ['-xzf', join(path, filename), '-C', path]);
  renameSync(join(path, 'package'), join(path, 'node_modules', name));
  rmSync(copy, { recursive: true });
}
