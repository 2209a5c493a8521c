/** What differs between runs beside their figures: whoever reads a difference of figures has to know of it. */
import { settingsOf } from '../plan/settings.js';
import type { Ledger } from '../samples/record.js';
import type { Difference } from './compare-types.js';
import { nameOf, sentenceOf } from './foreign.js';
import { counted, enumeration, size } from './format.js';
import { modelLabel } from './labels.js';
import type { Fact } from './page-types.js';

const NONE = '–';

/** Where nothing is inferred, instruction set and context have no meaning. */
const touches = ({ arms }: Ledger['run']): boolean => Object.values(arms).some(({ work }) => work === 'touch');

/** In the order in which they are told. */
const FACTS: Readonly<Record<string, (ledger: Ledger) => string>> = {
  Machine: ({ run }) => run.machine.fingerprint,
  CPU: ({ run }) => text(of(run.machine, 'cpu', 'model')),
  'CPUs usable': ({ run }) => text(of(run.machine, 'cpu', 'usableCores')),
  Memory: ({ run }) => bytes(of(run.machine, 'memory', 'totalBytes')),
  Kernel: ({ run }) => text(of(run.machine, 'kernel')),
  Virtual: ({ run }) => {
    const virtual = of(run.machine, 'virtualization', 'virtual');
    const product = text(of(run.machine, 'virtualization', 'product'));
    return virtual === true ? (product === NONE ? 'yes' : product) : virtual === false ? 'no' : NONE;
  },
  'Huge pages': ({ run }) => text(of(run.machine, 'memory', 'transparentHugePages')),
  Governors: ({ run }) => text(of(run.machine, 'cpu', 'governors')),
  'File system': ({ run }) => distinct(Object.values(run.models).map(({ fileSystem }) => fileSystem)),
  Device: ({ run }) => distinct(Object.values(run.models).map(({ device }) => device)),
  'Device ceiling by': ({ run }) =>
    distinct(
      Object.values(run.ceilings.device).map((chosen) =>
        chosen.reason === null ? `${chosen.engine}, ${size(chosen.blockBytes)} × ${chosen.depth}` : 'not measured',
      ),
    ),
  Tool: ({ run }) => run.tool,
  Build: ({ run }) => distinct(Object.values(run.arms).map(({ build }) => build)),
  Node: ({ run }) => run.runtime.node,
  'Instruction set': ({ run }) => (touches(run) ? NONE : distinct(Object.values(run.arms).map(({ isa }) => isa))),
  Model: ({ run }) =>
    distinct(Object.values(run.models).map((model) => `${modelLabel(model)} (header ${model.headerDigest})`)),
  Threads: ({ run }) => distinct(settingsOf(run.plan, run.arms).map(({ threads }) => counted(threads, 'thread'))),
  Work: ({ run }) => (touches(run) ? 'loading alone' : NONE),
  Context: ({ run }) =>
    touches(run) ? NONE : distinct(settingsOf(run.plan, run.arms).map(({ context }) => String(context))),
  Tokens: ({ run }) =>
    distinct(
      Object.values(run.arms)
        .filter(({ work }) => work === 'infer')
        .map(({ prompt, generate }) => `${prompt} of prompt, ${generate} generated`),
    ),
  Rounds: ({ run: { plan } }) => `${plan.rounds}, ${plan.memoryRounds} of memory`,
  States: ({ run: { plan } }) => plan.states.join(', '),
  'Free memory': ({ run: { plan } }) => plan.memoryStates.join(', '),
  'Loads in a row': ({ run: { plan } }) => String(plan.loads ?? 1),
  Order: ({ run: { plan } }) => plan.order ?? 'shuffled',
  Seed: ({ run: { plan } }) => String(plan.seed),
  'May stop early': ({ run: { plan } }) =>
    (plan.precision ?? null) === null ? (plan.gate == null ? 'no' : 'at a verdict') : 'by precision',
  'Waits for quiet': ({ run: { plan } }) => ((plan.waitQuietNs ?? null) === null ? 'no' : 'yes'),
  Configuration: ({ run: { config } }) =>
    config == null ? 'none' : `plan ${config.plan} of ${config.path} (${config.digest})`,
};

/** By what differs and what does not. */
export function differencesOf(
  ledgers: readonly Ledger[],
  names: readonly string[],
): {
  readonly differences: readonly Difference[];
  readonly same: readonly Fact[];
} {
  const all = [...Object.entries(FACTS), ...optionFacts(ledgers)].map(([term, fact]) => ({
    term: nameOf(term),
    values: ledgers.map((ledger) => sentenceOf(fact(ledger))),
  }));
  const isSame = ({ values }: Pick<Difference, 'values'>): boolean => new Set(values).size === 1;
  return {
    differences: all
      .filter((fact) => !isSame(fact))
      .map(({ term, values }) => ({ term, values, text: differenceText(values, names) })),
    same: all.flatMap((fact) => {
      const [value = NONE] = fact.values;
      return isSame(fact) && value !== NONE ? [{ term: fact.term, value }] : [];
    }),
  };
}

function differenceText(values: readonly string[], names: readonly string[]): string {
  const parts = [...new Set(values)].map(
    (value) => `${names.filter((_, run) => values[run] === value).join(', ')}: ${value}`,
  );
  return sentenceOf(parts.join('; '));
}

/** A loader of one name may do another thing in another version: what it was told, and the file that defines it. */
function optionFacts(ledgers: readonly Ledger[]): readonly (readonly [string, (ledger: Ledger) => string])[] {
  const labels = new Set(
    ledgers.flatMap(({ run }) =>
      Object.values(run.arms)
        .filter(({ kind }) => kind === 'loader')
        .map(({ label }) => label),
    ),
  );
  return [...labels].flatMap((label) => {
    const told = (ledger: Ledger): string =>
      distinct(
        Object.values(ledger.run.arms)
          .filter((arm) => arm.kind === 'loader' && arm.label === label)
          .map(({ options, moduleDigest }) =>
            [JSON.stringify(options), moduleDigest === null ? '' : `file ${moduleDigest}`].join(' ').trim(),
          ),
      );
    // A run that does not have it says nothing of it: that is listed elsewhere.
    const known = new Set(ledgers.map(told).filter((value) => value !== NONE));
    return known.size > 1 ? [[`Loader ${label}`, told] as const] : [];
  });
}

function of(facts: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[name] : undefined,
    facts,
  );
}

function text(value: unknown): string {
  if (Array.isArray(value)) return distinct(value.map(String));
  return typeof value === 'string' || typeof value === 'number' ? String(value) : NONE;
}

function bytes(value: unknown): string {
  return typeof value === 'number' ? size(value) : NONE;
}

function distinct(values: readonly string[]): string {
  const known = [...new Set(values)].filter((value) => value !== '');
  return known.length === 0 ? NONE : enumeration(known.map(nameOf));
}
