/** A thread that reads a stretch of a ledger. It ends with an error where a line is damaged. */
import { parentPort, workerData } from 'node:worker_threads';
import { readPart, type LedgerPartTask } from './ledger-part.js';
import { memoryOf } from './packed-columns.js';

const part = readPart(workerData as LedgerPartTask);
parentPort?.postMessage(part, [...memoryOf(part.samples)]);
