/** Where a run was made, and the command line that repeats it. */
import { printable } from '../failure.js';
import type { Ledger } from '../samples/record.js';
import { nameOf, sentenceOf } from './foreign.js';
import { counted, size } from './format.js';
import { momentOf } from './moment.js';
import { machineLine } from './notes.js';
import type { Fact } from './page-types.js';
import { shardFact } from './shards.js';

export function environmentOf(ledger: Ledger): readonly Fact[] {
  const { run, end, resumes } = ledger;
  const { plan, runtime, machine, models, config } = run;
  const builds = [...new Set(Object.values(run.arms).map(({ build }) => build))];
  const touched = momentOf(Object.values(run.arms)) !== 'first token';
  const isas = touched ? ['none'] : [...new Set(Object.values(run.arms).map(({ isa }) => isa))];
  const parts: readonly (readonly [string, string])[] = [
    ['Machine', machineLine(machine)],
    ['Fingerprint', machine.fingerprint],
    ...Object.values(models).map(({ path, bytes, headerDigest, fileSystem, device }): readonly [string, string] => [
      'Model',
      `${path} · ${size(bytes)} · header ${headerDigest} · ${device === '' ? fileSystem : `${fileSystem} on ${device}`}`,
    ]),
    ['Tool', `${run.tool} · build ${builds.join(', ')}`],
    ['Runtime', `Node ${runtime.node} · V8 ${runtime.v8}`],
    ['Instruction sets', `${isas.join(', ')} used · ${runtime.isas.join(', ')} available`],
    [
      'Plan',
      `${counted(plan.rounds, 'round')}, ${counted(plan.memoryRounds, 'round')} of memory · seed ${plan.seed} · ${plan.states.join(', ')} · free memory ${plan.memoryStates.join(', ')}`,
    ],
    ['Shards', shardFact(ledger)],
    ['Started', run.startedAt],
    ['Ended', end === null ? 'not recorded' : `${end.endedAt} (${end.stopped})`],
    ['Resumed', resumes.length === 0 ? '' : counted(resumes.length, 'time')],
    ['Configuration', config == null ? '' : `plan ${config.plan} of ${config.path} (${config.digest})`],
  ];
  return parts
    .filter(([, value]) => value !== '')
    .map(([term, value]) => ({ term: nameOf(term), value: sentenceOf(value) }));
}

/** Half of one would not be run. */
const LONGEST_COMMAND = 20_000;

/** For a POSIX shell. What no line can hold stands in quotes of the kind $'…', which bash, zsh and ksh know. */
export function commandLine(words: readonly string[]): string {
  const line = words.map(quoted).join(' ');
  return line.length > LONGEST_COMMAND
    ? 'too long to be shown: it stands in the first line of the ledger'
    : printable(line);
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f]/.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  // eslint-disable-next-line no-control-regex
  const escaped = word.replace(/['\\]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `$'${escaped}'`;
}
