/**
 * Where a model may lie: file systems in memory, layered, on loop devices, compressed, read-only, full; files of others.
 * Every loader gives the right logits there or says why it cannot; what is cold and what is warm is known there.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bypassesPageCache } from '../../src/loader.js';
import { native } from '../../src/native.js';
import { storageFacts } from '../../src/storage.js';
import { copyOfFixture, fill, removeFolder, scratchFolder } from '../processes.js';
import { everyLoaderAgrees, headerAllowance, logitsOf, whereSupported, withWeights } from './loading.js';
import { splitModel } from './models.js';
import { mountImage, mountOverlay, unmountAll, type FileSystem, type Mounted, type Refused } from './mounts.js';

const folder = scratchFolder();
const memory = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/weighbridge-places-') : null;
test.after.always(() => {
  unmountAll();
  removeFolder(folder);
  if (memory !== null) removeFolder(memory);
});

const MODEL = 'tiny-F16.gguf';

function folderOf(name: string): string {
  const path = join(folder, name.replaceAll(' ', '-'));
  mkdirSync(path, { recursive: true });
  return path;
}

/** The model's path, or why there is no such place here. */
type Made = { readonly kind: 'model'; readonly path: string } | Refused;

function on(mounted: Mounted | Refused, fill: (at: string) => string = (at) => copyOfFixture(MODEL, at)): Made {
  return mounted.kind === 'refused' ? mounted : { kind: 'model', path: fill(mounted.at) };
}

function readOnly(): Made {
  const mounted = mountImage(folderOf('read only'), 'ext4');
  const made = on(mounted);
  if (mounted.kind === 'refused' || made.kind === 'refused') return made;
  const failed = mounted.remount('ro');
  return failed === null ? made : { kind: 'refused', why: failed };
}

function lowerLayer(): Made {
  const lower = folderOf('lower');
  copyOfFixture(MODEL, lower);
  return on(mountOverlay(folderOf('overlay of a lower layer'), lower), (at) => join(at, MODEL));
}

/** Every block that is left is taken, after the model. */
function nearlyFull(): Made {
  return on(mountImage(folderOf('nearly full'), 'ext4'), (at) => {
    const path = copyOfFixture(MODEL, at);
    fill(at);
    return path;
  });
}

interface Place {
  readonly what: string;
  readonly make: () => Made;
  /** Whether its files live in memory, so that nothing can be evicted. */
  readonly inMemory?: true;
}

const mountedImage = (type: FileSystem, options?: string) => (): Made =>
  on(mountImage(folderOf(`${type} ${options ?? ''}`), type, options));

const places: readonly Place[] = [
  {
    what: 'tmpfs',
    inMemory: true,
    make: () =>
      memory === null
        ? { kind: 'refused', why: 'there is no /dev/shm' }
        : { kind: 'model', path: copyOfFixture(MODEL, memory) },
  },
  { what: 'ext4', make: mountedImage('ext4') },
  { what: 'xfs', make: mountedImage('xfs') },
  { what: 'btrfs', make: mountedImage('btrfs') },
  { what: 'btrfs that compresses', make: mountedImage('btrfs', 'loop,compress-force=zstd') },
  { what: 'overlayfs, written there', make: () => on(mountOverlay(folderOf('overlay written'), folderOf('empty'))) },
  { what: 'overlayfs, of a lower layer', make: lowerLayer },
  { what: 'a read-only mount', make: readOnly },
  { what: 'a file system without room', make: nearlyFull },
];

const made = new Map<string, Made>();

function onPlace(
  title: string,
  { what, make }: Place,
  body: (t: ExecutionContext, path: string) => Promise<void> | void,
): void {
  test.serial(title, async (t) => {
    const place = made.get(what) ?? make();
    made.set(what, place);
    if (place.kind === 'refused') {
      t.log(`skipped: ${place.why}`);
      t.pass();
      return;
    }
    await body(t, place.path);
  });
}

for (const place of places) {
  onPlace(`on ${place.what} every loader gives the right logits or says why not`, place, async (t, path) => {
    // What was written and is not yet on the disk has no place there, so that it is on neither road.
    await native().evict([path]);
    everyLoaderAgrees(t, path);
  });

  if (place.inMemory === true) continue;

  onPlace(
    `on ${place.what} a model is known to be cold after eviction and warm after warming`,
    place,
    async (t, path) => {
      const resident = (): number => native().residency([path]).resident;
      await native().evict([path]);
      t.is(resident(), 0);
      await native().warm([path]);
      t.is(resident(), statSync(path).size);
      const hold = await native().hold([path]);
      await native().evict([path]);
      t.is(resident(), statSync(path).size, 'what is mapped stays');
      hold.release();
      await native().evict([path]);
      t.is(resident(), 0);
    },
  );

  onPlace(`on ${place.what} what bypasses the page cache leaves it cold, or refuses`, place, async (t, path) => {
    for (const loader of withWeights) {
      const { mechanism, options = {} } = loader;
      if (!bypassesPageCache(mechanism, options)) continue;
      await native().evict([path]);
      whereSupported(t, loader, path, () => {
        logitsOf(loader, path);
        const { resident } = native().residency([path]);
        t.true(resident <= headerAllowance(path), `${loader.name} left ${resident} bytes`);
      });
    }
  });
}

test.serial('a model whose parts lie in two places loads by every loader that can read both', async (t) => {
  const [first = '', second = ''] = await splitModel(folderOf('split'), 2);
  if (memory === null) {
    t.log('skipped: there is no /dev/shm for the second part');
    t.pass();
    return;
  }
  const elsewhere = join(memory, 'second part');
  copyFileSync(second, elsewhere);
  rmSync(second);
  symlinkSync(elsewhere, second);
  await native().evict([first]);
  everyLoaderAgrees(t, first);
});

onPlace(
  'storage below an overlay is that of its layers',
  { what: 'overlayfs, of a lower layer', make: lowerLayer },
  (t, path) => {
    const above = storageFacts(path);
    const below = storageFacts(folder);
    t.is(above.fileSystem, 'overlay');
    t.is(above.kind, below.kind);
    t.is(above.model, below.model);
  },
);
