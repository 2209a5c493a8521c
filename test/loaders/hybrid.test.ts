/** The hybrid: every road gives the same logits, and the road that it takes by itself follows from the page cache. */
import { statSync, writeFileSync } from 'node:fs';
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

const roads = ['auto', 'map', 'map-ahead', 'huge-map', 'readahead', 'pool'] as const;

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
  const ahead = join(folder, 'ahead.mjs');
  writeFileSync(ahead, `export default ${JSON.stringify(onRoad('map-ahead'))};`);
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', `mmap-shared,hybrid,${ahead}`, '--rounds', '1', '--memory-rounds', '0'],
    ...['--memory-state', 'as-is', '--prompt', '2', '--generate', '2', '--threads', '2', '--out', join(folder, 'run')],
    ...['--lock-wait', '900', '--json'],
  ]);
  t.is(code, 0, stderr);
  const { samples } = JSON.parse(stdout) as { readonly samples: readonly Sample[] };
  const of = (loader: string, state: string): Sample | undefined =>
    samples.find((sample) => sample.arm.loader === loader && sample.state === state);
  const warm = of('hybrid', 'warm')?.effective ?? {};
  t.true(Number(warm['firstUseNs']) >= 0);
  t.is(warm['road'], Number(warm['firstUseNs']) < 1000 ? 'map' : 'map-ahead');
  t.is(warm['pagesProbed'], undefined);
  // Reading the header has brought the page that it shares with the first tensor, and a few behind it.
  const cold = of('hybrid', 'cold')?.effective ?? {};
  t.true(Number(cold['residentBytesFound']) < statSync(model).size / 4);
  t.true(['huge-map', 'readahead', 'pool'].includes(String(cold['road'])));
  const asked = cold['firstUseNs'];
  if (cold['road'] === 'huge-map')
    t.true(Number(asked) >= 0, 'what is slow is told by what the same costs of other memory');
  if (Number(asked) >= 1000) t.is(cold['road'], 'huge-map', 'nothing is learnt where every first use costs');

  const entered = of('hybrid-map-ahead', 'warm');
  t.true(Number(entered?.effective?.['mappedAheadBytes']) >= Number(entered?.bytesNeeded));
  const faults = (sample: Sample | undefined): number => sample?.phases?.firstToken?.minorFaults ?? Number.NaN;
  t.true(faults(entered) < faults(of('mmap-shared', 'warm')), 'every page is entered before the load returns');
});
