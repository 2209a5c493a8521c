/** The claims about time: loading, the shell, the first load. */
import { beside, boundsOf, boundsOfMedians, judged, verdictOf, type Missing } from './claims-bounds.js';
import { PartView, loadNs, ttftNs, type Place } from './claims-cells.js';
import type { Bounds, ClaimResult, Claimed, Decision, Measure } from './claims-types.js';
import type { OkSample } from './pairs.js';

/** Of C++, in which the loader was written that the map replaced, and of C. */
export const COPIES = ['cxx-stream', 'stdio'] as const;
export const MAP = 'mmap-shared';

const WARM: Place = { state: 'warm' };
const HUNDREDFOLD: Claimed = { bound: 'at-least', figure: 100, none: 1 };
const TENFOLD: Claimed = { ...HUNDREDFOLD, figure: 10 };

export function loadClaim(warm: PartView | Missing, returned: PartView | Missing): ClaimResult {
  const loads = COPIES.map((copy) => loadRatio(copy, warm, HUNDREDFOLD, 'warm, backed', true));
  const tokens = COPIES.map((copy) => firstTokenRatio(copy, warm, 'warm, backed'));
  const measures = [
    ...loads,
    ...tokens,
    loadRatio(COPIES[0], warm, TENFOLD, 'warm, backed', false),
    loadRatio(COPIES[0], returned, HUNDREDFOLD, 'warm, returned', false),
    firstTokenRatio(COPIES[0], returned, 'warm, returned'),
    ...sizesOf(loads, warm),
  ];
  return {
    number: 1,
    id: 'load',
    claim: 'Loading is 100x faster (10x on Windows and macOS)',
    asks: 'load of a copy ÷ load of the map at least 100, warm',
    ...ofLoadAlone(verdictOf(measures), tokens),
    measures,
    notes: [
      'A copy takes time by the byte and a map hardly any, so that the ratio grows with the model: the sizes are reckoned from the medians, as if the one grew with the size and the other not at all.',
      'A map puts its work off: the first token counts what a user waits for.',
    ],
  };
}

/** Nobody waits for load alone: where the first token does not bear the claim out, its verdict says so at once. */
function ofLoadAlone(decision: Decision, tokens: readonly Measure[]): Decision {
  const least = tokens.filter(({ verdict, bounds }) => verdict !== 'reproduced' && bounds !== null)[0];
  if (decision.verdict !== 'reproduced' || least?.bounds == null) return decision;
  const times = least.bounds.median.toPrecision(3);
  return { ...decision, why: `${decision.why}, of load alone: to the first token it is ${times}x` };
}

function loadRatio(copy: string, of: PartView | Missing, claimed: Claimed, place: string, decides: boolean): Measure {
  const what = `load, ${copy} ÷ ${MAP}${claimed.figure === 10 ? ', against 10x' : ''}`;
  const bounds = of instanceof PartView ? of.paired(copy, MAP, WARM, loadNs) : of;
  return judged({ what, place, unit: 'ratio' }, bounds, claimed, decides);
}

function firstTokenRatio(copy: string, of: PartView | Missing, place: string): Measure {
  const bounds = of instanceof PartView ? of.paired(copy, MAP, WARM, ttftNs) : of;
  return judged({ what: `first token, ${copy} ÷ ${MAP}`, place, unit: 'ratio' }, bounds, HUNDREDFOLD, false);
}

/** From which size on the ratio would be that of the claim. */
function sizesOf(loads: readonly Measure[], warm: PartView | Missing): readonly Measure[] {
  const [first] = loads;
  if (!(warm instanceof PartView) || first?.bounds == null) return [];
  const { n, needed, median, low, high, confidence } = first.bounds;
  const bytes = (ratio: number, figure: number): number => (warm.modelBytes * figure) / ratio;
  return [HUNDREDFOLD, TENFOLD].map(({ figure }) =>
    beside(
      { what: `model from which ${COPIES[0]} loads ${figure}x longer`, place: 'reckoned', unit: 'bytes' },
      { n, needed, confidence, median: bytes(median, figure), low: bytes(high, figure), high: bytes(low, figure) },
    ),
  );
}

/** Names of the command arms. */
export const SHELL = {
  mapped: 'generate-mapped',
  copied: 'generate-copied',
  start: 'generate-help',
  runtime: 'node',
} as const;

const SECOND: Claimed = { bound: 'at-most', figure: 1e9, none: null };
const INSTANT: Claimed = { ...SECOND, figure: 2e8 };

const firstByteNs = ({ command }: OkSample): number | null => command?.firstByteNs ?? null;
const wallNs = ({ command }: OkSample): number | null => command?.wallNs ?? null;

export function shellClaim(shell: PartView | Missing): ClaimResult {
  const time = (label: string, of: (sample: OkSample) => number | null): Bounds | Missing =>
    shell instanceof PartView
      ? shell.bounds(
          boundsOf(
            shell
              .timed(label, WARM)
              .map(of)
              .filter((ns) => ns !== null),
          ),
          [label],
          WARM,
        )
      : shell;
  const line = (what: string): Pick<Measure, 'what' | 'place' | 'unit'> => ({
    what,
    place: 'warm, backed',
    unit: 'ns',
  });
  const ratio = shell instanceof PartView ? shell.paired(SHELL.copied, SHELL.mapped, WARM, firstByteNs) : shell;
  const exec = time(SHELL.mapped, firstByteNs);
  const versus = judged(
    { what: 'exec → first byte, copied ÷ mapped', place: 'warm, backed', unit: 'ratio' },
    ratio,
    { bound: 'at-least', figure: 1, none: 1 },
    false,
  );
  const measures = [
    withDirection(judged(line('exec → first byte of generate, mapped'), exec, SECOND), versus),
    judged(line('the same, held against "instant"'), exec, INSTANT, false),
    beside(line('exec → first byte of generate, copied (stdio)'), time(SHELL.copied, firstByteNs)),
    versus,
    beside(line("exec → first byte of generate --help: this program's start"), time(SHELL.start, firstByteNs)),
    beside(line('node -e 0, whole: the start of the runtime'), time(SHELL.runtime, wallNs)),
  ];
  return {
    number: 5,
    id: 'shell',
    claim: 'Tokens come almost at once from a shell script',
    asks: 'exec → first byte of generate within 1 s, warm; within 0.2 s it is instant',
    ...verdictOf(measures),
    measures,
    notes: ['The whole program is timed, from exec: its start is in it, and shown apart.'],
  };
}

/** Later than a second there is still a direction: whether mapping helps at all. */
function withDirection(first: Measure, versus: Measure): Measure {
  // Short of the figure, with the whole interval.
  if (first.verdict !== 'direction only') return first;
  if (versus.verdict === 'reproduced') {
    return { ...first, why: 'it takes longer than a second, and less than with a copy' };
  }
  if (versus.verdict === 'refuted') {
    return { ...first, verdict: 'refuted', why: 'it takes longer than a second, and no less than with a copy' };
  }
  return { ...first, verdict: 'undecided', why: `it takes longer than a second; against a copy: ${versus.why}` };
}

const TWICE: Claimed = { bound: 'at-least', figure: 2, none: 1 };
/** The curve shows the copy of C: that of C++ goes the same way. */
const CURVE = [MAP, 'stdio'] as const;
const LOADS = [1, 2] as const;

export function firstLoadClaim(cold: PartView | Missing, warm: PartView | Missing, guest: boolean): ClaimResult {
  const place = 'cold and warm, backed';
  const apart =
    cold instanceof PartView && warm instanceof PartView
      ? (boundsOfMedians(firstTokens(cold, MAP, 1), firstTokens(warm, MAP, null)) ??
        (firstTokens(cold, MAP, 1).length === 0 ? cold.missing([MAP], { state: 'cold' }) : warm.missing([MAP], WARM)))
      : cold instanceof PartView
        ? (warm as Missing)
        : cold;
  const measures = [
    judged({ what: `first token, ${MAP}: cold ÷ warm`, place, unit: 'ratio' }, apart, TWICE),
    ...(cold instanceof PartView
      ? CURVE.flatMap((label) =>
          LOADS.map((load) =>
            beside(
              { what: `first token of load ${load}, ${label}`, place: load === 1 ? 'cold' : 'left', unit: 'ns' },
              cold.bounds(boundsOf(firstTokens(cold, label, load)), [label], placeOf(load)),
            ),
          ),
        )
      : []),
  ];
  if (cold instanceof PartView) {
    const second = cold.paired('stdio', MAP, placeOf(2), ttftNs);
    measures.push(beside({ what: `first token of load 2, stdio ÷ ${MAP}`, place: 'left', unit: 'ratio' }, second));
  }
  return {
    number: 6,
    id: 'first-load',
    claim: 'The first load after a reboot stays slow',
    asks: 'cold ÷ warm first token of the map more than 2',
    ...verdictOf(measures),
    measures,
    notes: [
      'Cold and warm run in blocks of their own: their intervals are set against each other at their worst.',
      guest
        ? 'Cold here is guest-cold, and no reboot: the file is out of this machine’s page cache, while its host may still hold it. After a reboot of the host the first load can be slower.'
        : 'Cold here is no reboot: the file is out of the page cache, while runtime and libraries are in it.',
    ],
  };
}

const placeOf = (load: number): Place => (load === 1 ? { state: 'cold' } : { state: 'left', load });

/** Null for warm. */
export function firstTokens(view: PartView, label: string, load: number | null): readonly number[] {
  return view.values(label, load === null ? WARM : placeOf(load), (cell) => cell.ttftNs);
}
