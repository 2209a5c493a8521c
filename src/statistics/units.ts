/** What statistics count: a sample, and of several processes their group, told as a sample. */
import { plain } from '../samples/columns.js';
import { unmeasured } from '../samples/measurement.js';
import type { Group, Ledger, Sample } from '../samples/record.js';

/** Samples of single processes, and groups, in run order. */
export function unitsOf({ samples, groups }: Pick<Ledger, 'samples' | 'groups'>): readonly Sample[] {
  if (groups.length === 0) return samples;
  const members = new Map<string, Sample[]>();
  for (const sample of samples) {
    if (sample.group === null) continue;
    members.set(sample.group, [...(members.get(sample.group) ?? []), sample]);
  }
  const alone = samples.filter(({ group }) => group === null);
  const together = groups.map((group) => unitOf(group, members.get(group.id) ?? []));
  return [...alone, ...together].sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0));
}

/**
 * The slowest process stands for its group, since a group is there when its last one is; speeds are of all together. Of a
 * group that is not ok, the process that says why.
 */
function unitOf(group: Group, members: readonly Sample[]): Sample {
  const { outcome, reason, tokensPerSecond: speeds } = group;
  const warnings = [...new Set(members.flatMap((member) => member.warnings))];
  const told =
    outcome === 'ok'
      ? slowestOf(group, members)
      : members.find((each) => each.outcome === outcome && each.reason?.message === reason?.message);
  if (told !== undefined) {
    const unit = { ...plain(told), group: group.id, warnings };
    if (unit.outcome !== 'ok') return unit;
    return {
      ...unit,
      ttftNs: group.ttftNs,
      completeNs: group.completeNs,
      tokensPerSecond: speeds === null ? null : { prefill: speeds.prefill, decode: speeds.decode },
      // Of processes that wait for each other it says nothing.
      debt: null,
    };
  }
  if (reason === null || outcome === 'ok' || outcome === 'mismatch') {
    throw new RangeError(`the ledger lacks the samples of the group ${group.id}`);
  }
  const { round, block, position, attempt, pass, startedAt, arm, state, memoryState, load, processes } = group;
  return {
    ...{ kind: 'sample', round, block, position, attempt, pass, startedAt, arm, state, memoryState, load },
    group: group.id,
    process: { index: 0, of: processes, spawnToStartNs: null, exitCode: null, signal: null },
    ...{ warnings, outcome, reason },
    ...unmeasured,
  };
}

/** Outside the time pass none is slowest: the first. Of programs, the one that ended last. */
function slowestOf({ ttftNs, completeNs }: Group, members: readonly Sample[]): Sample | undefined {
  const programs = members.filter(({ command }) => command != null);
  if (programs.length > 0) return programs.toSorted((a, b) => wallNs(b) - wallNs(a))[0];
  return members.find((each) => (ttftNs === null ? each.completeNs === completeNs : each.ttftNs === ttftNs));
}

const wallNs = ({ command }: Sample): number => command?.wallNs ?? 0;
