/** What external programs cost, and how that compares: with each other by wall time, with a loader by the first output. */
import type { CommandMeasurement, Sample } from '../samples/record.js';
import { describe } from './order.js';
import { pairedRatio, pairsOf, type OkSample } from './pairs.js';
import type { CommandFigures, Description } from './summary-types.js';

/** From the exec of a loader's process to its first token, the time in which states were prepared left out. */
export function execToTokenNs({ process, ttftNs }: OkSample): number | null {
  return process.spawnToStartNs === null || ttftNs === null ? null : process.spawnToStartNs + ttftNs;
}

/** `first`: samples of the first command; `reference`: of the reference, a loader where there is one. */
export function commandFigures(
  ok: readonly OkSample[],
  first: readonly Sample[],
  reference: readonly Sample[],
): CommandFigures {
  const timed = ok.filter(({ pass }) => pass === 'time');
  const ofMemory = ok.filter(({ pass }) => pass === 'memory');
  const of =
    (field: Exclude<keyof CommandMeasurement, 'signal'>) =>
    ({ command }: OkSample): number | null =>
      command?.[field] ?? null;
  const figures = (samples: readonly OkSample[], value: (sample: OkSample) => number | null): Description | null =>
    describe(samples.map(value).filter((known) => known !== null));
  const memory = (field: 'peakRss' | 'peakPss'): Description | null =>
    figures(ofMemory, of(field)) ?? figures(timed, of(field));
  const wall = of('wallNs');
  const firstByte = of('firstByteNs');
  const isFirst = timed.some((sample) => sample.arm.id === first[0]?.arm.id);
  return {
    wallNs: figures(timed, wall),
    firstByteNs: figures(timed, firstByte),
    userNs: figures(timed, of('userNs')),
    systemNs: figures(timed, of('systemNs')),
    minorFaults: figures(timed, of('minorFaults')),
    majorFaults: figures(timed, of('majorFaults')),
    readBytes: figures(timed, of('readBytes')),
    peakRss: memory('peakRss'),
    peakPss: memory('peakPss'),
    tokensPerSecond: figures(timed, of('matched')),
    wallRatio: isFirst
      ? null
      : pairedRatio(
          pairsOf(timed, first),
          ({ head }) => wall(head),
          ({ base }) => wall(base),
        ),
    firstByteRatio: pairedRatio(
      pairsOf(timed, reference),
      ({ head }) => firstByte(head),
      ({ base }) => execToTokenNs(base),
    ),
  };
}
