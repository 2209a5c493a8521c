/** `weighbridge limits`: what this machine can do at all. */
import { availableParallelism } from 'node:os';
import type { CommandModule } from 'yargs';
import { Interrupted, exitCode, printable, reasonOf } from '../failure.js';
import { machineFacts } from '../machine.js';
import { native } from '../native.js';
import { limitLegend, limitLines, limitNotes } from '../report/limits.js';
import { machineLine } from '../report/notes.js';
import { measureLimits } from '../samples/limits.js';
import { lockMachine } from '../samples/lock.js';
import { CLEARED, columnsOf, live } from '../wrap.js';
import { limitsTable } from '../../reports/limits-table.js';
import { whole } from './arguments.js';

interface LimitsArguments {
  readonly path: string | undefined;
  readonly quick: boolean;
  readonly json: boolean;
  readonly threads: string | undefined;
  readonly 'lock-wait': string;
}

export const limitsCommand: CommandModule<object, LimitsArguments> = {
  command: 'limits [path]',
  describe: 'Measure what device, page cache and memory can do at all',
  builder: (parser) =>
    parser
      .positional('path', { type: 'string', describe: 'a model, or any big file on the disk in question' })
      .option('quick', { type: 'boolean', default: false, describe: 'less of each, and no rest: what a run stores' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .option('threads', { type: 'string', describe: 'threads beside one (default: every CPU there is)' })
      .option('lock-wait', { type: 'string', default: '0', describe: 'seconds to wait for a run on this machine' })
      .example('$0 limits model.gguf', 'how fast weights could get from that disk into memory')
      .example('$0 limits', 'memory alone'),
  handler: limits,
};

async function limits(args: LimitsArguments): Promise<void> {
  const { path, quick, json } = args;
  const waitSeconds = whole('--lock-wait', args['lock-wait'], 0, 1e6);
  const threads = args.threads === undefined ? availableParallelism() : whole('--threads', args.threads, 1, 1024);
  const paths = path === undefined ? [] : partsOf(path);
  const machine = machineFacts(path);
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort(new Interrupted('interrupted; limits are printed only when all are measured'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  const onStep = (step: string): void => {
    if (process.stderr.isTTY) live(process.stderr, `${step} …`);
  };
  try {
    const lock = await lockMachine(waitSeconds, controller.signal, (holder) => {
      onStep(`waiting for another run on this machine (${holder})`);
    });
    const mayReportFreePages = machine.memory.pageReporting !== false;
    const { signal } = controller;
    const request = { paths, threads, quick, machine, mayReportFreePages, known: null, signal, onStep };
    const measured = await measureLimits(request).finally(() => lock.release());
    if (process.stderr.isTTY) process.stderr.write(CLEARED);
    if (json) {
      process.stdout.write(`${JSON.stringify({ path: path ?? null, quick, threads, machine, limits: measured })}\n`);
      return;
    }
    const lines = limitLines(measured);
    const heading = [machineLine({ ...machine }), ...(path === undefined ? [] : [printable(path)])];
    const notes = [
      'Machines drift by much within seconds: a run measures its ceilings anew beside every few samples.',
      ...limitNotes(measured),
    ];
    process.stdout.write(limitsTable({ heading, lines, legend: limitLegend, notes }, columnsOf(process.stdout)));
  } catch (error) {
    if (controller.signal.aborted) throw new Interrupted('interrupted; limits are printed only when all are measured');
    throw error;
  } finally {
    for (const name of signals) process.off(name, stop);
  }
}

/** The parts of a model; any other file is its own. */
function partsOf(path: string): readonly string[] {
  try {
    const info = native().inspect(path, { arrays: false, digest: false });
    return info.parts.map((part) => part.path);
  } catch (error) {
    if (reasonOf(error)?.code !== 'not-gguf') throw error;
    return [path];
  }
}
