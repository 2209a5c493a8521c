/**
 * The timeline of one sample in the Trace Event Format, which Perfetto and chrome://tracing open: phases, in the first
 * token its layers and in them the tensors, each with what its turn cost; faults, bytes read and memory as counters.
 */
import type { NativeAccess, NativeTrace } from '../native.js';
import type { Arm, Phase, Phases, Sample } from './record.js';

/** Times in µs since the first phase began. */
export type TraceEvent =
  | { readonly ph: 'M'; readonly name: string; readonly pid: number; readonly tid: number; readonly args: Args }
  | (Placed & { readonly ph: 'X'; readonly cat: Category; readonly dur: number })
  | (Placed & { readonly ph: 'C' });

type Args = Readonly<Record<string, number | string | null | readonly string[]>>;
type Category = 'phase' | 'layer' | 'step' | 'tensor' | 'wait';
interface Placed {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly args: Args;
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly otherData: Readonly<Record<string, string>>;
  readonly traceEvents: readonly TraceEvent[];
}

const TRACK = { pid: 1, tid: 1 } as const;
/** Shorter waits are calls that returned at once. */
const LEAST_WAIT_NS = 1000;

/** Tensors that the forward pass uses in one parallel step: it asks for all of them before it begins. */
const USED_TOGETHER: readonly (readonly string[])[] = [
  ['attn_q', 'attn_k', 'attn_v'],
  ['ffn_gate', 'ffn_up'],
];

/** By the names of a trace: where nothing is inferred, the bytes that a first token reads are touched in its place. */
const PHASES: Readonly<Record<string, keyof Phases>> = { 'first token': 'firstToken', 'needed bytes': 'firstToken' };

/** A turn of weights, with the tensor in which they lie. */
interface Turn extends NativeAccess {
  readonly tensor: NativeTrace['tensors'][number];
}

export function chromeTrace(sample: Sample, arm: Arm, trace: NativeTrace): ChromeTrace {
  const timeline = new Timeline(trace.phases[0]?.beginNs ?? 0);
  const what = `${arm.label} ${sample.state}, memory ${sample.memoryState}`;
  timeline.events.push({ ph: 'M', name: 'process_name', ...TRACK, args: { name: `weighbridge: ${what}` } });
  timeline.events.push({ ph: 'M', name: 'thread_name', ...TRACK, args: { name: 'sample' } });
  for (const { name, beginNs, endNs } of trace.phases) {
    const cost = sample.phases?.[PHASES[name] ?? (name as keyof Phases)] ?? null;
    const { minorFaults = null, majorFaults = null, readBytes = null } = cost ?? {};
    timeline.span('phase', name, beginNs, endNs, { minorFaults, majorFaults, readBytes });
    const before = timeline.total;
    const phase = PHASES[name] ?? name;
    if (phase === 'firstToken') addFirstToken(timeline, turnsOf(trace, trace.firstToken), arm.work === 'infer');
    if (name === 'complete') for (const turn of turnsOf(trace, trace.complete)) addTensor(timeline, turn, []);
    timeline.total = before;
    if (cost !== null) timeline.count(endNs, cost);
    if (name === 'acquire') timeline.present(endNs, trace, 'residentLoaded');
    if (phase === 'firstToken') timeline.present(endNs, trace, 'residentFirstToken');
  }
  return {
    displayTimeUnit: 'ms',
    otherData: {
      loader: arm.label,
      model: arm.model,
      state: sample.state,
      memoryState: sample.memoryState,
      startedAt: sample.startedAt,
      note: `A watched ${arm.work === 'touch' ? 'touch of weights' : 'forward pass'} is slower than one that is not: compare shares, not times, with other samples.`,
    },
    traceEvents: timeline.events,
  };
}

type Counted = Pick<Phase, 'minorFaults' | 'majorFaults' | 'readBytes'>;

class Timeline {
  readonly events: TraceEvent[] = [];
  /** Of the phases and turns so far. */
  total: Counted = { minorFaults: 0, majorFaults: 0, readBytes: 0 };
  readonly #origin: number;

  constructor(origin: number) {
    this.#origin = origin;
  }

  span(cat: Category, name: string, beginNs: number, endNs: number, args: Args): void {
    const ts = this.#microseconds(beginNs);
    this.events.push({ ph: 'X', cat, name, ...TRACK, ts, dur: (endNs - beginNs) / 1000, args });
  }

  /** Adds to the totals and shows them; bytes that cannot be read leave their total unknown from there on. */
  count(atNs: number, more: Counted): void {
    const { total } = this;
    const minorFaults = total.minorFaults + more.minorFaults;
    const majorFaults = total.majorFaults + more.majorFaults;
    const readBytes = total.readBytes === null || more.readBytes === null ? null : total.readBytes + more.readBytes;
    this.total = { minorFaults, majorFaults, readBytes };
    this.#counter('faults', atNs, { minor: minorFaults, major: majorFaults });
    if (readBytes !== null) this.#counter('read from storage', atNs, { bytes: readBytes });
  }

  memory(atNs: number, rss: number | null): void {
    if (rss !== null) this.#counter('resident memory of the process', atNs, { bytes: rss });
  }

  /** Of the model, where it may be known. */
  present(atNs: number, trace: NativeTrace, when: 'residentLoaded' | 'residentFirstToken'): void {
    let bytes = 0;
    for (const tensor of trace.tensors) {
      const there = tensor[when];
      if (there === null) return;
      bytes += there;
    }
    this.#counter('tensor bytes present', atNs, { bytes });
  }

  #counter(name: string, atNs: number, args: Args): void {
    this.events.push({ ph: 'C', name, ...TRACK, ts: this.#microseconds(atNs), args });
  }

  #microseconds(ns: number): number {
    return (ns - this.#origin) / 1000;
  }
}

/** `inParallel`: whether some tensors are used in one parallel step, as the forward pass does. */
function addFirstToken(timeline: Timeline, turns: readonly Turn[], inParallel: boolean): void {
  for (const layer of runsOf(turns, (turn) => layerOf(turn.tensor.name))) {
    const name = layerOf(layer[0]?.tensor.name ?? '');
    timeline.span('layer', name, begin(layer), end(layer), costOf(layer));
    for (const step of runsOf(layer, (turn) => (inParallel ? stepOf(turn.tensor.name) : turn.tensor.name))) {
      const together = step.length > 1 ? step.map(({ tensor }) => tensor.name) : [];
      if (together.length > 0) {
        timeline.span('step', together.map(shortName).join(' + '), begin(step), end(step), costOf(step));
      }
      for (const turn of step) addTensor(timeline, turn, together);
    }
  }
}

/** `together`: those of its step. The turn of the last one holds the work on all, since then all have been asked for. */
function addTensor(timeline: Timeline, turn: Turn, together: readonly string[]): void {
  const { tensor, beginNs, endNs, askedNs, waitNs } = turn;
  const others = together.filter((name) => name !== tensor.name);
  timeline.span('tensor', tensor.name, beginNs, endNs, {
    bytes: turn.bytes,
    tensorBytes: tensor.bytes,
    ...costOf([turn]),
    presentWhenLoaded: tensor.residentLoaded,
    presentAfterFirstToken: tensor.residentFirstToken,
    ...(others.length === 0 ? {} : { usedTogetherWith: others }),
  });
  if (waitNs >= LEAST_WAIT_NS) {
    timeline.span('wait', 'waiting for the loader', askedNs, askedNs + waitNs, { bytes: turn.bytes });
  }
  timeline.memory(beginNs, turn.rss);
  timeline.count(endNs, turn);
}

function costOf(turns: readonly Turn[]): Args {
  const sum = (of: (turn: Turn) => number): number => turns.reduce((total, turn) => total + of(turn), 0);
  return {
    waitNs: sum(({ waitNs }) => waitNs),
    minorFaults: sum(({ minorFaults }) => minorFaults),
    majorFaults: sum(({ majorFaults }) => majorFaults),
    readBytes: turns.some(({ readBytes }) => readBytes === null) ? null : sum(({ readBytes }) => readBytes ?? 0),
  };
}

const begin = (turns: readonly Turn[]): number => turns[0]?.beginNs ?? 0;
const end = (turns: readonly Turn[]): number => turns.at(-1)?.endNs ?? 0;

/** "layer 3" of "blk.3.attn_q.weight"; what lies around the layers is input or output. */
function layerOf(tensor: string): string {
  const layer = /^blk\.(\d+)\./.exec(tensor)?.[1];
  if (layer !== undefined) return `layer ${layer}`;
  return tensor.startsWith('output') ? 'output' : 'input';
}

const shortName = (tensor: string): string => tensor.replace(/^blk\.\d+\./, '').replace(/\.weight$/, '');

/** A name that only tensors of one step share. */
function stepOf(tensor: string): string {
  const short = shortName(tensor);
  return USED_TOGETHER.find((names) => names.includes(short))?.[0] ?? short;
}

/** Neighbours of the same key. */
function runsOf(turns: readonly Turn[], key: (turn: Turn) => string): Turn[][] {
  const runs: Turn[][] = [];
  let last: string | null = null;
  for (const turn of turns) {
    if (last !== key(turn)) runs.push([]);
    last = key(turn);
    runs.at(-1)?.push(turn);
  }
  return runs;
}

function turnsOf({ tensors }: NativeTrace, accesses: readonly NativeAccess[]): Turn[] {
  const byPart = new Map<number, NativeTrace['tensors'][number][]>();
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    const part = byPart.get(tensor.part);
    if (part === undefined) byPart.set(tensor.part, [tensor]);
    else part.push(tensor);
  }
  return accesses.map((access) => {
    const tensor = byPart
      .get(access.part)
      ?.findLast(({ offset, bytes }) => offset <= access.offset && access.offset < offset + Math.max(1, bytes));
    if (tensor === undefined) throw new Error(`no tensor at ${access.offset} of part ${access.part}`);
    return { ...access, tensor };
  });
}
