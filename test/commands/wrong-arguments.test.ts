/** A command line that cannot be is one line of ours, whatever the parser calls it: where, what, what to do. */
import test from 'ava';
import { weighbridge } from '../command.js';
import { fixture } from '../processes.js';

const model = fixture('tiny-Q8_0.gguf');

const wrong: readonly (readonly [string, readonly string[], string])[] = [
  ['no command', [], 'name a command; weighbridge --help lists them'],
  ['a slip of a command', ['rnu'], 'there is no command "rnu"; did you mean run? (weighbridge --help lists them)'],
  ['a strange command', ['levitate'], 'there is no command "levitate" (weighbridge --help lists them)'],
  ['no model', ['inspect'], 'weighbridge inspect <model>: <model> is missing; weighbridge inspect --help has examples'],
  [
    'one model too many',
    ['inspect', model, 'b.gguf'],
    'weighbridge inspect <model>: "b.gguf" is one argument too many; weighbridge inspect --help has examples',
  ],
  [
    'an option that is missing',
    ['gen', 'x.gguf'],
    'weighbridge gen needs --shape; weighbridge gen --help says what it takes',
  ],
  [
    'an option without its value',
    ['gen', 'x.gguf', '--shape'],
    '--shape needs a value; weighbridge gen --help says which',
  ],
  [
    'another value than there are',
    ['gen', 'x.gguf', '--shape', '9b'],
    '--shape takes tiny, 15m, 110m, 1b, 3b, 7b, 13b, 30b, 65b, not "9b"; did you mean 1b?',
  ],
  [
    'an option of another command',
    ['inspect', model, '--dry-run'],
    'weighbridge inspect has no option --dry-run; weighbridge inspect --help lists them',
  ],
  [
    'a slip of an option',
    ['run', model, '--lodaer', 'read'],
    'weighbridge run has no option --lodaer; did you mean --loader?',
  ],
  [
    'a dash that is missing',
    ['run', model, '--dryrun'],
    'weighbridge run has no option --dryrun; did you mean --dry-run?',
  ],
  [
    'a slip of an option that must be',
    ['gen', 'x.gguf', '--shpae', 'tiny'],
    'weighbridge gen has no option --shpae; did you mean --shape?',
  ],
  [
    'several slips',
    ['run', model, '--lodaer', 'read', '--time-bugdet=3'],
    'weighbridge run has no option --lodaer and --time-bugdet; did you mean --loader and --time-budget?',
  ],
  ['a letter', ['run', model, '-x'], 'weighbridge run has no option -x; weighbridge run --help lists them'],
  [
    'a slip of a loader',
    ['run', model, '--loader', 'raed', '--dry-run'],
    'there is no loader "raed"; did you mean read? (weighbridge loaders lists them)',
  ],
  [
    'the beginning of a loader',
    ['run', model, '--loader', 'uring', '--dry-run'],
    'there is no loader "uring"; did you mean uring-direct? (weighbridge loaders lists them)',
  ],
  ['an empty option', ['run', model, '--loader', ''], '--loader needs a value; it is empty'],
  ['an empty model', ['run', ''], 'an argument is empty (models)'],
  ['an option given twice', ['generate', model, '-n', '1', '-n', '2'], '-n is given more than once; give it one value'],
  [
    'a shell without a script',
    ['completion', 'tcsh'],
    'completion: there are scripts for bash, zsh, fish, not for "tcsh"',
  ],
];

for (const [what, args, line] of wrong) {
  test.serial(`${what} is one line of ours and exit code 2, in whatever language the system speaks`, async (t) => {
    const { code, stdout, stderr } = await weighbridge(args, { ...process.env, LC_ALL: 'de_DE.UTF-8' });
    t.is(stderr, `weighbridge: ${line}\n`);
    t.is(code, 2);
    t.is(stdout, '');
  });
}

test.serial('each shell has its own completion script', async (t) => {
  const runs = await Promise.all(['bash', 'zsh', 'fish'].map((shell) => weighbridge(['completion', shell])));
  for (const { code, stderr } of runs) t.is(code, 0, stderr);
  const scripts = runs.map(({ stdout }) => stdout);
  t.regex(scripts[0] ?? '', /complete .* -F /);
  t.regex(scripts[1] ?? '', /compdef/);
  t.regex(scripts[2] ?? '', /complete -f -c weighbridge/);
});
