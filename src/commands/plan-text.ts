/** A plan before it is weighed: what `--dry-run` prints. */
import { printable } from '../failure.js';
import { bypassesPageCache } from '../loader.js';
import type { Planned } from '../plan/plan.js';
import { hasLoadThreads } from '../plan/arms.js';
import { chainedState, samplesOf } from '../plan/blocks.js';
import { holds, partsOf } from '../plan/parts.js';
import { settingKeyOf } from '../plan/settings.js';
import type { RunRequest } from '../pipeline.js';
import { settingLabel } from '../report/labels.js';
import type { MemoryState, State } from '../samples/record.js';
import { pairsForClaim } from '../statistics/claim.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { MOST_PAIRS, pairsForVerdict } from '../statistics/sign-test.js';

/** Ends with a line break. */
export function planText(planned: Planned, request: RunRequest, json: boolean): string {
  const { plan, arms, models } = planned;
  const comparisons = comparisonsOf(planned);
  const pairs = pairsForVerdict({ comparisons });
  const samples = samplesOf(plan, arms);
  if (json) return `${JSON.stringify({ plan, arms, models, samples, comparisons, pairsForVerdict: pairs })}\n`;
  const { precision = null, waitQuietNs = null } = plan;
  const adaptive = precision !== null;
  const most = adaptive ? 'at most ' : '';
  const lines = [
    ...Object.values(models).map(
      (model) => `model      ${printable(model.path)} (${model.fileSystem}, ${(model.bytes / 2 ** 20).toFixed(0)} MiB)`,
    ),
    ...(request.loaders.length === 0 ? [] : [`loaders    ${request.loaders.map(({ name }) => name).join(', ')}`]),
    ...commandLines(request),
    ...loadThreadLines(request),
    `reference  ${[...new Set(Object.values(plan.reference).map((id) => arms[id]?.label ?? id))].join(', ')}`,
    `states     ${plan.states.join(', ')}; free memory ${plan.memoryStates.join(', ')}`,
    ...settingLines(planned),
    ...shardLines(planned),
    ...((plan.loads ?? 1) === 1 ? [] : [`loads      ${plan.loads} in a row, the first ${chainedState(plan) ?? ''}`]),
    ...(waitQuietNs === null ? [] : [`quiet      waited for before each block, at most ${waitQuietNs / 1e9} s`]),
    `rounds     ${most}${plan.rounds}, and ${plan.memoryRounds} of the memory pass${plan.trace === true ? '; each loader and state traced once' : ''}`,
    `samples    ${most}${samples}, each a process of its own; retries come on top`,
    `pairs      ${most}${plan.rounds} a comparison, ${comparisons} comparisons; an interval (95 %) needs ${LEAST_FOR_INTERVAL}${provenBy(comparisonsIn(planned))}`,
    verdictLine(adaptive, pairs),
  ];
  return `${lines.join('\n')}\n`;
}

function verdictLine(adaptive: boolean, pairs: number | null): string {
  if (adaptive) return 'verdict    of a gate: none; a run that may stop by the precision of its ratios explores';
  const of = 'verdict    of a gate (1 % error over all comparisons)';
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
    if (arm === undefined || references.has(id) || (arm.work !== 'infer' && arm.work !== 'command')) return false;
    return !(state === 'warm' && bypassesPageCache(arm.mechanism, arm.options));
  };
  const isOwn = (id: string, state: State, memoryState: MemoryState): boolean =>
    holds(plan, settingKeyOf(arms[id] ?? { model: '' }), state, memoryState);
  return plan.memoryStates.flatMap((memoryState) =>
    plan.states.map((state) => plan.arms.filter((id) => isOwn(id, state, memoryState) && isCompared(id, state)).length),
  );
}

function commandLines({ commands = [] }: RunRequest): readonly string[] {
  return commands.map(({ name, command: { argv, output } }, index) =>
    printable(`${index === 0 ? 'commands ' : '         '}  ${name}: ${argv.join(' ')} (external; output: ${output})`),
  );
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

/** Where there is more than one, or it is not as usual. */
function settingLines({ plan: { settings = [] } }: Planned): readonly string[] {
  const labels = [...new Set(settings.map((setting) => settingLabel(setting, settings)))].filter(
    (label) => label !== null,
  );
  return labels.map((label, index) => `${index === 0 ? 'settings ' : '         '}  ${label}`);
}
