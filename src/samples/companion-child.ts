/**
 * The process of a companion. It speaks as a sample's does (protocol.ts): the byte 'R' on descriptor 3 when it is ready;
 * on descriptor 4 the byte 'G' when the sample is released, and the end of the stream when the sample has ended, which is
 * answered with a report. The end without a 'G' ends it.
 */
import { randomFillSync } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { failWith, reasonOf } from '../failure.js';
import { native } from '../native.js';
import type { CompanionAnswer, CompanionReport, CompanionTask, CompanionWork } from './companion-types.js';
import { READY_FD, RELEASE_FD } from './protocol.js';

const MIB = 2 ** 20;
const PAGE = 4096;
const CHUNK = 32 * MIB;

/** Touching takes at most this share of one CPU, so that it is memory and not a core that the sample competes for. */
const TOUCHING_SHARE = 0.05;
const LEAST_PAUSE_MS = 100;

/** What the parent says on descriptor 4. */
class Orders {
  readonly begun: Promise<void>;
  readonly over: Promise<void>;
  isOver = false;
  hasBegun = false;

  constructor() {
    const stream = new Socket({ fd: RELEASE_FD, readable: true, writable: false });
    stream.on('error', () => undefined);
    this.over = new Promise((resolve) => {
      stream.once('close', () => {
        this.isOver = true;
        resolve();
      });
    });
    this.begun = new Promise((resolve) => {
      stream.on('data', () => {
        this.hasBegun = true;
        resolve();
      });
      void this.over.then(resolve);
    });
  }
}

function tell(text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) done += writeSync(READY_FD, bytes, done);
}

const ready = (): void => tell('R');

/** Of this process, in bytes, from a file of lines "Key: 123 kB" (or without a unit). Null if unreadable. */
function ownFigure(file: string, key: string): number | null {
  const found = new RegExp(`^${key}:\\s*(\\d+)( kB)?`, 'm').exec(textOrNull(`/proc/self/${file}`) ?? '');
  return found === null ? null : Number(found[1]) * (found[2] === undefined ? 1 : 1024);
}

function textOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

async function hold(bytes: number, orders: Orders): Promise<CompanionReport> {
  const before = ownFigure('status', 'RssAnon');
  // Noise, of which no compressed swap makes less.
  const noise = randomFillSync(Buffer.allocUnsafeSlow(MIB));
  const chunks: Buffer[] = [];
  for (let left = bytes; left > 0; left -= CHUNK) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(left, CHUNK));
    for (let at = 0; at < chunk.length; at += MIB) noise.copy(chunk, at);
    chunks.push(chunk);
    await turn();
    if (orders.isOver) break;
  }
  let passes = 0;
  let leastResidentBytes: number | null = null;
  let mostSwappedBytes: number | null = null;
  const pass = async (): Promise<void> => {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PAGE) chunk[at] = (chunk[at] ?? 0) + 1;
      await turn();
    }
  };
  const note = (): void => {
    const resident = ownFigure('status', 'RssAnon');
    const swapped = ownFigure('status', 'VmSwap');
    const held = resident === null || before === null ? null : Math.min(bytes, resident - before);
    if (held !== null) leastResidentBytes = Math.min(leastResidentBytes ?? held, held);
    if (swapped !== null) mostSwappedBytes = Math.max(mostSwappedBytes ?? swapped, swapped);
  };
  await pass();
  ready();
  while (!orders.isOver) {
    const began = performance.now();
    await pass();
    const took = performance.now() - began;
    if (orders.hasBegun) {
      passes += 1;
      note();
    }
    const pause = Math.max(LEAST_PAUSE_MS, took / TOUCHING_SHARE - took);
    const stop = new AbortController();
    const pausing = delay(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    await Promise.race([pausing, orders.over, ...(orders.hasBegun ? [] : [orders.begun])]);
    stop.abort();
  }
  note();
  return { kind: 'hold', bytes, leastResidentBytes, mostSwappedBytes, passes };
}

async function stream(path: string, orders: Orders): Promise<CompanionReport> {
  const file = await openToRead(path);
  const buffer = Buffer.allocUnsafeSlow(MIB);
  let streamedBytes = 0;
  let passes = 0;
  ready();
  await orders.begun;
  const issuedBefore = ownFigure('io', 'read_bytes');
  for (let at = 0; !orders.isOver;) {
    const { bytesRead } = await file.read(buffer, 0, MIB, at);
    if (bytesRead === 0) passes += 1;
    streamedBytes += bytesRead;
    at = bytesRead === 0 ? 0 : at + bytesRead;
  }
  await file.close();
  const issued = ownFigure('io', 'read_bytes');
  const issuedBytes = issued === null || issuedBefore === null ? null : issued - issuedBefore;
  return { kind: 'stream', streamedBytes, issuedBytes, passes };
}

async function cache(path: string, orders: Orders): Promise<CompanionReport> {
  const file = await openToRead(path);
  const buffer = Buffer.allocUnsafeSlow(MIB);
  let readBytes = 0;
  while (!orders.isOver) {
    const { bytesRead } = await file.read(buffer, 0, MIB, readBytes);
    if (bytesRead === 0) break;
    readBytes += bytesRead;
  }
  ready();
  await orders.over;
  await file.close();
  return { kind: 'cache', readBytes };
}

/** Opened by a companion for as long as it lives. An empty file would be read for ever without a byte. */
async function openToRead(path: string): Promise<FileHandle> {
  const file = await open(path, 'r');
  if ((await file.stat()).size > 0) return file;
  const message = 'the file is empty: there is nothing to read beside a sample';
  throw failWith({ code: 'file-empty', operation: 'companion', path, message, remedy: 'name a big file' });
}

function run(work: CompanionWork, orders: Orders): Promise<CompanionReport> {
  if (work.kind === 'hold') return hold(work.bytes, orders);
  return work.kind === 'stream' ? stream(work.path, orders) : cache(work.path, orders);
}

async function answer({ parent, work }: CompanionTask): Promise<CompanionAnswer | null> {
  try {
    // Where memory runs out for the whole machine, it goes first, before the sample and other programs.
    if (!native().bindToParent(parent, true)) return null;
    const orders = new Orders();
    const report = await run(work, orders);
    return orders.hasBegun ? { kind: 'reported', report } : null;
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { kind: 'failed', reason };
  }
}

const given = await answer(JSON.parse(process.argv[2] ?? '') as CompanionTask);
if (given !== null) tell(JSON.stringify(given));
process.exit();
