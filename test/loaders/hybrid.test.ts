/** The hybrid: every road gives the same logits, and the road that it takes by itself follows from the page cache. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LoaderDefinition } from '../../src/loader.js';
import { native } from '../../src/native.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import type { Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { expectedLogits, logitsOf, whereSupported } from './loading.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const roads = ['auto', 'map', 'huge-map', 'readahead', 'pool'] as const;

const onRoad = (road: (typeof roads)[number]): LoaderDefinition => ({
  name: `hybrid-${road}`,
  mechanism: 'hybrid',
  why: 'a road of its own choice',
  options: { road },
});

for (const road of roads) {
  for (const state of ['cold', 'warm'] as const) {
    test.serial(`the road ${road} gives the logits of read for a ${state} model in three parts`, async (t) => {
      const model = await generateModel({
        out: join(folder, `${road}-${state}.gguf`),
        shape: 'tiny',
        type: 'q4_0',
        seed: 5,
        split: 3,
      });
      const path = model.paths[0] ?? '';
      const expected = expectedLogits(path);
      await (state === 'cold' ? native().evict(model.paths) : native().warm(model.paths));
      whereSupported(t, onRoad(road), path, () => {
        t.is(Buffer.compare(logitsOf(onRoad(road), path), expected), 0);
      });
    });
  }
}

test('a road that is none is refused', (t) => {
  const path = copyOfFixture('tiny-Q4_0.gguf', folder);
  t.throws(() => native().unsupported('hybrid', [path], { road: 'tunnel' }), { code: 'bad-option', message: /road/ });
});

test.serial('a resident model is only mapped, one that is not is brought in and waited for', async (t) => {
  const model = copyOfFixture('tiny-F16.gguf', folder);
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', 'read,hybrid', '--rounds', '1', '--memory-rounds', '0', '--memory-state', 'as-is'],
    ...['--prompt', '2', '--generate', '2', '--threads', '2', '--out', join(folder, 'run')],
    ...['--lock-wait', '900', '--json'],
  ]);
  t.is(code, 0, stderr);
  const { samples } = JSON.parse(stdout) as { readonly samples: readonly Sample[] };
  const effective = (state: string): Sample['effective'] =>
    samples.find((sample) => sample.arm.loader === 'hybrid' && sample.state === state)?.effective ?? null;
  t.is(effective('warm')?.['road'], 'map');
  t.is(effective('warm')?.['pagesProbed'], undefined);
  // Reading the header has brought the page that it shares with the first tensor, and a few behind it.
  t.true(Number(effective('cold')?.['residentBytesFound']) < statSync(model).size / 4);
  const { road, firstUseNs } = effective('cold') ?? {};
  t.true(['huge-map', 'readahead', 'pool'].includes(String(road)));
  t.is(effective('warm')?.['firstUseNs'], undefined);
  if (road !== 'pool') t.true(Number(firstUseNs) >= 0, 'what is slow is told by what the same costs of backed memory');
  if (Number(firstUseNs) >= 1000) t.is(road, 'huge-map', 'nothing is learnt where every first use costs');
});
