/** Writes a synthetic model: right shapes, random weights, a vocabulary that opens in llama.cpp. */
import { rm, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Interrupted, failWith } from '../failure.js';
import { native } from '../native.js';
import { planFiles, type SyntheticModel } from './plan.js';

export interface SynthesisRequest extends SyntheticModel {
  /** The file, or the name from which those of the parts are made. Existing files are replaced. */
  readonly out: string;
  /** Called a few times a second at most. */
  readonly onProgress?: (bytes: number, of: number) => void;
  readonly signal?: AbortSignal;
}

export interface SynthesizedModel {
  /** The first is the one to name to a program that reads the model. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** Free space that a model leaves over, as a share of its own size. */
const spare = 0.05;

async function checkRoom(directory: string, bytes: number, path: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= bytes * (1 + spare)) return;
  const text = (size: number, unit: number, name: string): string =>
    `${Math.ceil(size / unit).toLocaleString('en-US')} ${name}`;
  const readable = (size: number): string => (size < 1e7 ? text(size, 1e3, 'kB') : text(size, 1e6, 'MB'));
  throw failWith({
    code: 'disk-full',
    operation: 'statfs',
    path,
    message: `the model needs ${readable(bytes * (1 + spare))}, the disk has ${readable(free)} left`,
    remedy: 'free some space, choose a smaller shape or type, or another directory',
  });
}

/**
 * Same request, same bytes, on every machine. Throws errors with the properties of a Reason: bad-option (a type that does
 * not fit the shape) and disk-full before anything is written, file-missing, file-unreadable, io-error; and Interrupted when
 * the signal is aborted. No part is left behind then.
 */
export async function generateModel(request: SynthesisRequest): Promise<SynthesizedModel> {
  const files = planFiles(resolve(request.out), request);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkRoom(dirname(resolve(request.out)), total, request.out);
  const written: string[] = [];
  let done = 0;
  try {
    for (const file of files) {
      await native().synthesize(file, (bytes) => {
        request.onProgress?.(done + bytes, total);
        return request.signal?.aborted !== true;
      });
      written.push(file.path);
      done += file.bytes;
      if (request.signal?.aborted === true) throw new Interrupted('interrupted; nothing was written');
    }
  } catch (error) {
    await Promise.all(written.map((path) => rm(path, { force: true })));
    if (request.signal?.aborted === true) throw new Interrupted('interrupted; nothing was written');
    throw error;
  }
  return { paths: written, bytes: total };
}
