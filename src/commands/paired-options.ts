/** Options of the commands that weigh two arms in pairs: `ab` and `aa`. */
import type { RunRequest } from '../run-request.js';
import type { MemoryState, State } from '../samples/record.js';
import { commaList, positive, whole } from './arguments.js';
import { quietOptions } from './exploring-options.js';
import { inferenceOption, workOf } from './inference-option.js';

const STATES = ['cold', 'warm'] as const satisfies readonly State[];
const MEMORY_STATES = ['backed', 'returned', 'as-is'] as const satisfies readonly MemoryState[];

export const pairedOptions = {
  state: { type: 'string', default: 'cold,warm', describe: 'Page cache before a sample: cold, warm' },
  'memory-state': {
    type: 'string',
    default: 'backed',
    describe: 'Free memory before a sample: backed, returned, as-is',
  },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  ...inferenceOption,
  prompt: { type: 'string', describe: 'Prompt tokens to prefill (default: 32)' },
  generate: { type: 'string', describe: 'Tokens to decode (default: 16)' },
  context: { type: 'string', describe: 'Positions of the KV cache (default: 512 or what is needed)' },
  seed: { type: 'string', default: '1', describe: 'Seed of the order and of all resampling' },
  timeout: { type: 'string', describe: 'Seconds that a sample may take (default: by the size of the model)' },
  'time-budget': { type: 'string', describe: 'Seconds after which no block begins; the first round always runs' },
  ...quietOptions,
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  out: { type: 'string', describe: 'Directory for ledger and reports (default: weighbridge-runs/…)' },
} as const;

interface PairedArguments {
  readonly state: string;
  readonly memoryState: string;
  readonly threads: string | undefined;
  readonly inference: boolean | undefined;
  readonly prompt: string | undefined;
  readonly generate: string | undefined;
  readonly context: string | undefined;
  readonly seed: string;
  readonly timeout: string | undefined;
  readonly timeBudget: string | undefined;
  readonly lockWait: string;
}

/** What of a request does not depend on who is compared. Throws UsageError. */
export function pairedRequestOf(
  args: PairedArguments,
  model: string,
  pairs: number,
): Omit<RunRequest, 'loaders' | 'commands' | 'reference'> {
  return {
    modelPaths: [model],
    loadersNamed: true,
    states: commaList('--state', args.state, STATES),
    memoryStates: commaList('--memory-state', args.memoryState, MEMORY_STATES),
    // None named: every CPU there is.
    threads: args.threads === undefined ? [] : [whole('--threads', args.threads, 1, 1024)],
    work: workOf(args),
    isa: 'auto',
    rounds: pairs,
    // Footprints hardly vary, and their samples' times are never used.
    memoryRounds: 0,
    trace: false,
    prompt: whole('--prompt', args.prompt ?? '32', 0, 1_000_000),
    generate: whole('--generate', args.generate ?? '16', 0, 1_000_000),
    contexts: [args.context === undefined ? null : whole('--context', args.context, 1, 10_000_000)],
    seed: whole('--seed', args.seed, 0, 2 ** 31 - 1),
    timeoutSeconds: args.timeout === undefined ? null : positive('--timeout', args.timeout),
    timeBudgetSeconds: args.timeBudget === undefined ? null : positive('--time-budget', args.timeBudget),
    lockWaitSeconds: whole('--lock-wait', args.lockWait, 0, 1e6),
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}
