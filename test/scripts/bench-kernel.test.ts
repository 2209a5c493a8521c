import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import type { KernelBench } from '../../src/report/kernel-bench.js';
import { lockMachine } from '../../src/samples/lock.js';
import { root, runNode } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const script = join(root, 'scripts', 'bench-kernel.mjs');
const env = { ...process.env, XDG_CACHE_HOME: folder };
const small = ['--shape', 'tiny', '--threads', '1,2', '--lock-wait', '600'];

test.serial('every type, instruction set and number of threads is measured in every round, and drawn', async (t) => {
  const [json, drawings] = [join(folder, 'bench.json'), join(folder, 'drawings')];
  const isas = native().isas().slice(-2);
  const asked = ['--types', 'q4_0,q4_k_m', '--isa', isas.join(','), '--rounds', '2', '--json', json, '--svg', drawings];
  const { code, stdout, stderr } = await runNode([script, ...small, ...asked], env);
  t.is(code, 0, stderr);
  const bench = JSON.parse(readFileSync(json, 'utf8')) as KernelBench;
  for (const round of [1, 2]) {
    for (const type of ['q4_0', 'q4_k_m']) {
      for (const threads of [1, 2]) {
        const own = bench.samples.filter(
          (sample) => sample.round === round && sample.type === type && sample.threads === threads,
        );
        const kinds = own.map((sample) => ('isa' in sample ? `${sample.kind} ${sample.isa ?? ''}` : sample.kind));
        const wanted = isas.flatMap((isa) => [`decode ${isa}`, `prefill ${isa}`]);
        t.deepEqual(kinds.toSorted(), ['ceiling', ...wanted].toSorted());
      }
    }
  }
  // Back and forth, so that what drifts does not favour the first.
  const order = (round: number): string[] =>
    bench.samples.flatMap((sample) => (sample.round === round && sample.kind === 'decode' ? [sample.isa] : []));
  t.deepEqual(order(1).slice(0, isas.length), isas);
  t.deepEqual(order(2).slice(0, isas.length), isas.toReversed());
  for (const { passBytes, fileBytes, layerWeights } of bench.models) {
    // 2 layers of 256 by 256 and by 512; an embedding that makes the logits as well is read whole.
    t.is(layerWeights, 2 * (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512));
    t.true(passBytes > 0.9 * fileBytes - 20_000 && passBytes < fileBytes);
  }
  for (const line of stdout.split('\n')) t.true(Array.from(line).length <= 80, line);
  for (const isa of isas) t.regex(stdout, new RegExp(`^q4_k_m +${isa} +2 `, 'm'));
  t.deepEqual(readdirSync(drawings), ['01-kernel-decode.svg', '02-kernel-roofline.svg']);
});

test.serial('models that are there already are used again', async (t) => {
  const args = [script, ...small, '--types', 'q8_0', '--rounds', '1'];
  t.regex((await runNode(args, env)).stderr, /writing 1 model/);
  const again = await runNode(args, env);
  t.is(again.code, 0, again.stderr);
  t.notRegex(again.stderr, /writing/);
});

test('bad arguments are one line and exit code 2, before the machine is waited for and a file is touched', async (t) => {
  t.timeout(1_300_000);
  const earlier = join(folder, 'earlier.json');
  writeFileSync(earlier, '{}');
  const lock = await lockMachine(1100, new AbortController().signal, (holder) => t.log(`waited for ${holder}`));
  t.teardown(() => lock.release());
  for (const args of [
    ['--what'],
    ['--quick', '--full'],
    ['--types', 'q9_9'],
    ['--isa', 'mmx'],
    ['--threads', '0'],
    ['--threads', 'x'],
    ['--rounds', '1.5'],
    ['--shape', 'huge'],
    ['--shape', '15m', '--types', 'q4_k', '--json', earlier],
    ['--json', join(folder, 'nowhere', 'bench.json')],
  ]) {
    const { code, stdout, stderr } = await runNode([script, ...args], env);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^bench-kernel: [^\n]+\n$/, args.join(' '));
  }
  const locked = await runNode([script, '--shape', 'tiny', '--json', earlier], env);
  t.is(locked.code, 1);
  t.regex(locked.stderr, /another run is measuring/);
  t.false(existsSync(join(folder, 'nowhere')));
  t.is(readFileSync(earlier, 'utf8'), '{}');
});
