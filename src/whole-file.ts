/** Files that appear whole or not at all. */
import { closeSync, fdatasyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { makeDirectory } from './make-directory.js';

/** Another process may write the same file. */
const partialOf = (path: string): string => `${path}.${process.pid}.tmp`;

/** What the system refused, named by the file that was asked for. */
function about(path: string, error: unknown): unknown {
  return error instanceof Error && 'code' in error ? Object.assign(error, { path }) : error;
}

/** A turn for each chunk, between which others may have theirs. Makes the directory too. */
function* writing(path: string, chunks: Iterable<string | Uint8Array>): Generator<void, void, void> {
  makeDirectory(dirname(path));
  const partial = partialOf(path);
  try {
    const file = openSync(partial, 'w', 0o644);
    try {
      for (const chunk of chunks) {
        writeFileSync(file, chunk);
        yield;
      }
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw about(path, error);
  }
}

/** Makes the directory too. Throws what the system refuses, and leaves nothing half written then. */
export function writeWhole(path: string, chunks: Iterable<string | Uint8Array>): void {
  const turns = writing(path, chunks);
  while (turns.next().done !== true);
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** As writeWhole, for what takes long: a signal that ends the process leaves nothing half written either. */
export async function writeLongWhole(path: string, chunks: Iterable<string | Uint8Array>): Promise<void> {
  const end = (signal: NodeJS.Signals): void => {
    rmSync(partialOf(path), { force: true });
    unwatch();
    process.kill(process.pid, signal);
  };
  const unwatch = (): void => {
    for (const name of ENDING) process.off(name, end);
  };
  for (const name of ENDING) process.on(name, end);
  try {
    for (const turns = writing(path, chunks); turns.next().done !== true;) await turn();
  } finally {
    unwatch();
  }
}

export interface NewFile {
  readonly path: string;
  readonly chunks: () => Iterable<string | Uint8Array>;
}

/**
 * Several files of which none appears until all are on the disk. Throws what the system refuses, and leaves none of them
 * then.
 */
export function writeAllWhole(files: readonly NewFile[]): void {
  const made: string[] = [];
  try {
    for (const { path, chunks } of files) {
      const partial = partialOf(path);
      made.push(partial);
      const file = openSync(partial, 'w', 0o644);
      try {
        for (const chunk of chunks()) writeFileSync(file, chunk);
        fdatasyncSync(file);
      } finally {
        closeSync(file);
      }
    }
    for (const { path } of files) {
      renameSync(partialOf(path), path);
      made.push(path);
    }
  } catch (error) {
    for (const path of made) rmSync(path, { force: true });
    throw error;
  }
}
