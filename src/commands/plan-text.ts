/** A plan before it is weighed: what `--dry-run` prints. */
import { availableParallelism } from 'node:os';
import { commandNotes } from '../command-arms.js';
import { earlierPace, type EarlierPace } from '../earlier-pace.js';
import { printable } from '../failure.js';
import { bypassesPageCache } from '../loader.js';
import type { Planned } from '../plan/plan.js';
import { hasLoadThreads, usesWeights } from '../plan/arms.js';
import { chainedState, samplesOf } from '../plan/blocks.js';
import { holds, partsOf } from '../plan/parts.js';
import { settingKeyOf } from '../plan/settings.js';
import type { RunRequest } from '../run-request.js';
import { counted, size } from '../report/format.js';
import { settingLabel } from '../report/labels.js';
import type { MemoryState, State } from '../samples/record.js';
import { pairsForClaim } from '../statistics/claim.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { MOST_PAIRS, pairsForVerdict } from '../statistics/sign-test.js';
import { wrap } from '../wrap.js';

const NAME_WIDTH = 11;
/** Where `run` puts its runs unless told otherwise. */
const RUNS = 'weighbridge-runs';

interface PlanForm {
  readonly json: boolean;
  readonly columns: number;
}

/** Ends with a line break. */
export function planText(planned: Planned, request: RunRequest, { json, columns }: PlanForm): string {
  const { plan, arms, models } = planned;
  const comparisons = comparisonsOf(planned);
  const pairs = pairsForVerdict({ comparisons });
  const samples = samplesOf(plan, arms);
  const pace = earlierPace(planned, RUNS);
  if (json) {
    const estimatedSeconds = pace === null ? null : Math.round(samples * pace.secondsASample);
    const told = { plan, arms, models, samples, comparisons, pairsForVerdict: pairs, estimatedSeconds };
    return `${JSON.stringify(told)}\n`;
  }
  const { precision = null, waitQuietNs = null } = plan;
  const adaptive = precision !== null;
  const most = adaptive ? 'at most ' : '';
  const lines = [
    ...Object.values(models).map(
      (model) => `model      ${printable(model.path)} (${model.fileSystem}, ${size(model.bytes)})`,
    ),
    ...(request.loaders.length === 0 ? [] : [`loaders    ${request.loaders.map(({ name }) => name).join(', ')}`]),
    ...commandLines(request),
    ...workLines(planned, request),
    ...threadLines(planned),
    ...loadThreadLines(request),
    `reference  ${[...new Set(Object.values(plan.reference).map((id) => arms[id]?.label ?? id))].join(', ')}`,
    `states     ${plan.states.join(', ')}; free memory ${plan.memoryStates.join(', ')}`,
    ...settingLines(planned),
    ...shardLines(planned),
    ...((plan.loads ?? 1) === 1 ? [] : [`loads      ${plan.loads} in a row, the first ${chainedState(plan) ?? ''}`]),
    ...(waitQuietNs === null ? [] : [`quiet      waited for before each block, at most ${waitQuietNs / 1e9} s`]),
    `rounds     ${most}${plan.rounds}, and ${plan.memoryRounds} of the memory pass${plan.trace === true ? '; each loader and state traced once' : ''}`,
    `samples    ${most}${samples}, each a process of its own; retries come on top`,
    timeLine(planned, samples, most, pace),
    `pairs      ${most}${plan.rounds} a comparison, ${counted(comparisons, 'comparison')}; an interval (95 %) needs ${LEAST_FOR_INTERVAL}${provenBy(comparisonsIn(planned))}`,
    verdictLine(adaptive, pairs),
  ];
  const indent = ' '.repeat(NAME_WIDTH);
  return lines.map((line) => `${wrap(line.slice(NAME_WIDTH), columns, indent, line.slice(0, NAME_WIDTH))}\n`).join('');
}

/** What it took the last time; a number made of nothing but the size of the model would be off by any factor. */
function timeLine({ plan }: Planned, samples: number, most: string, pace: EarlierPace | null): string {
  const budget =
    plan.timeBudgetNs === null
      ? ''
      : `; after the first round no block begins that would end later than ${plan.timeBudgetNs / 1e9} s (--time-budget)`;
  if (pace === null) {
    return `time       not known before the first block: no run of this work on this machine lies in ${RUNS}${budget}`;
  }
  const seconds = Math.ceil(samples * pace.secondsASample);
  const told = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  const each = pace.secondsASample.toFixed(1);
  return `time       ${most}about ${told}, at ${each} s a sample as in ${printable(pace.directory)}${budget}`;
}

function verdictLine(adaptive: boolean, pairs: number | null): string {
  if (adaptive) return 'verdict    of a gate: none; a run that may stop by the precision of its ratios explores';
  const of = 'verdict    of a gate (1 % error over all)';
  return pairs === null
    ? `${of}: not possible with ${MOST_PAIRS} pairs; compare fewer`
    : `${of}: from ${pairs} pairs, --rounds ${pairs}`;
}

/** As a report says it: of those that are made in one place. */
function provenBy(comparisons: number): string {
  const pairs = pairsForClaim(comparisons);
  return pairs === LEAST_FOR_INTERVAL ? '' : `, to prove one of ${comparisons} in a place ${pairs}`;
}

/** Of all places. */
function comparisonsOf(planned: Planned): number {
  return Math.max(
    1,
    comparedIn(planned).reduce((sum, count) => sum + count, 0),
  );
}

/** In the place that has most. */
function comparisonsIn(planned: Planned): number {
  const settings = Object.keys(planned.plan.reference).length;
  return Math.max(1, Math.round(Math.max(...comparedIn(planned)) / Math.max(1, settings)));
}

/** How many arms are compared with a reference in each place: a state and a memory state. */
function comparedIn({ plan, arms }: Planned): readonly number[] {
  const references = new Set(Object.values(plan.reference));
  const isCompared = (id: string, state: State): boolean => {
    const arm = arms[id];
    if (arm === undefined || references.has(id) || (!usesWeights(arm) && arm.work !== 'command')) return false;
    return !(state === 'warm' && bypassesPageCache(arm.mechanism, arm.options));
  };
  const isOwn = (id: string, state: State, memoryState: MemoryState): boolean =>
    holds(plan, settingKeyOf(arms[id] ?? { model: '' }), state, memoryState);
  return plan.memoryStates.flatMap((memoryState) =>
    plan.states.map((state) => plan.arms.filter((id) => isOwn(id, state, memoryState) && isCompared(id, state)).length),
  );
}

function commandLines({ commands = [] }: RunRequest): readonly string[] {
  const lines = commands.map(({ name, command: { argv, output } }, index) =>
    printable(`${index === 0 ? 'commands ' : '         '}  ${name}: ${argv.join(' ')} (external; output: ${output})`),
  );
  return [...lines, ...commandNotes(commands).map((note) => `           note: ${printable(note)}`)];
}

/** Of a plan that infers nothing, for each model what is touched first. */
function workLines({ models, bytesNeeded }: Planned, { work }: RunRequest): readonly string[] {
  if (work !== 'touch') return [];
  const first = Object.entries(models).map(([id, { tensorBytes }]) => {
    const needed = bytesNeeded[id] ?? null;
    return needed === null
      ? `all ${size(tensorBytes)} at once, of a model that the kernel does not run`
      : `first the ${size(needed)} of ${size(tensorBytes)} that a first token reads`;
  });
  return [
    `work       loading alone: every tensor byte is touched and summed (--no-inference), ${[...new Set(first)].join('; ')}`,
  ];
}

/** What has no load threads of its own is weighed once, whatever was asked for. */
function loadThreadLines({ loaders, loadThreads = [] }: RunRequest): readonly string[] {
  if (loadThreads.length === 0) return [];
  const names = (having: boolean): string =>
    loaders
      .filter((loader) => hasLoadThreads(loader) === having)
      .map(({ name }) => name)
      .join(', ');
  const [those, others] = [names(true), names(false)];
  return [
    those === ''
      ? `load       --load-threads changes nothing: no loader has such an option`
      : `load       ${loadThreads.join(', ')} threads each of ${those}${others === '' ? '' : `; one arm each of ${others}`}`,
  ];
}

/** What a shard weighs of the plan. */
function shardLines({ plan, arms, models }: Planned): readonly string[] {
  const { settings = [], shard = null } = plan;
  if (shard === null) return [];
  const own = shard.parts.map(({ setting: key, state, memoryState }) => {
    const setting = settings.find((each) => each.key === key);
    const model = Object.keys(models).length > 1 ? (setting?.model ?? key) : null;
    const label = setting === undefined ? null : settingLabel(setting, settings);
    return printable(
      [model, label, `${state}, free memory ${memoryState}`].filter((word) => word !== null).join(' · '),
    );
  });
  const all = partsOf(plan, arms).length;
  return [
    `shard      ${shard.numbers.join(', ')} of ${shard.of}: ${own.length} of ${all} parts of plan ${shard.digest}`,
    ...own.map((part) => `           ${part}`),
  ];
}

/** Several are told beside the other settings. */
function threadLines({ plan: { settings = [] } }: Planned): readonly string[] {
  const threads = [...new Set(settings.map((setting) => setting.threads))];
  const [only = 0] = threads;
  const every = only === availableParallelism() ? ' (every CPU there is)' : '';
  return threads.length === 1 ? [`threads    ${only}${every}`] : [];
}

/** Where there is more than one, or it is not as usual. */
function settingLines({ plan: { settings = [] } }: Planned): readonly string[] {
  const labels = [...new Set(settings.map((setting) => settingLabel(setting, settings, ['work'])))].filter(
    (label) => label !== null,
  );
  return labels.map((label, index) => `${index === 0 ? 'settings ' : '         '}  ${label}`);
}
