import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import { readLedger } from '../../src/samples/ledger.js';
import { root, weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

/** What the tests look at of a Job of the API group batch/v1. */
interface Job {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: {
    readonly completionMode: string;
    readonly completions: number;
    readonly parallelism: number;
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly restartPolicy: string;
        readonly affinity: {
          readonly podAntiAffinity: {
            readonly requiredDuringSchedulingIgnoredDuringExecution: readonly {
              readonly topologyKey: string;
              readonly labelSelector: { readonly matchLabels: Readonly<Record<string, string>> };
            }[];
          };
        };
        readonly containers: readonly {
          readonly env: readonly { readonly name: string; readonly value: string }[];
          readonly command: readonly string[];
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

const yaml = createRequire(import.meta.url)('js-yaml') as { readonly load: (text: string) => unknown };
const { apiVersion, kind, spec } = yaml.load(readFileSync(join(root, 'scripts', 'kubernetes-job.yaml'), 'utf8')) as Job;
const pod = spec.template.spec;
const container = pod.containers[0]!;
const stated = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q4_0.gguf', folder);

/** The container as a kubelet starts it, with what a user would set. */
function startPod(index: number, variables: Readonly<Record<string, string>>) {
  const engines = /^(SLURM_ARRAY_|CI_NODE_|BUILDKITE_PARALLEL_)/;
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !engines.test(name)));
  const env = { ...own, ...stated, ...variables, JOB_COMPLETION_INDEX: `${index}` };
  const [program = '', ...args] = container.command;
  return new Promise<{ readonly code: number; readonly stderr: string }>((resolve) => {
    execFile(program, args, { env, cwd: folder }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stderr });
    });
  });
}

test('the manifest is an Indexed Job whose shards are its completions, a pod a node', (t) => {
  t.is(`${apiVersion} ${kind} ${spec.completionMode}`, 'batch/v1 Job Indexed');
  t.is(`${spec.completions}`, stated['SHARDS'] ?? '');
  t.true(spec.parallelism <= spec.completions);
  t.is(pod.restartPolicy, 'Never');
  const [apart] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  t.is(apart?.topologyKey, 'kubernetes.io/hostname');
  t.deepEqual(apart?.labelSelector.matchLabels, spec.template.metadata.labels);
  const volumes = pod.volumes.map(({ name }) => name);
  t.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
  const mounted = (path: string): boolean => container.volumeMounts.some(({ mountPath }) => path.startsWith(mountPath));
  t.true(mounted(stated['MODEL'] ?? '') && mounted(stated['OUT'] ?? ''));
});

test.serial('its command weighs the shard of the index, goes on when it is started again, and merges', async (t) => {
  const out = join(folder, 'results');
  const variables = {
    WEIGHBRIDGE: `${process.execPath} ${join(root, 'dist/src/cli.js')}`,
    ...{ MODEL: model, OUT: out, SHARDS: '2' },
    OPTIONS: '--loader read,mmap-shared --state cold,warm --memory-state as-is --rounds 1 --prompt 4 --generate 3',
  };
  for (const index of [0, 1]) {
    const { code, stderr } = await startPod(index, variables);
    t.is(code, 0, stderr);
    const { run, end } = readLedger(join(out, `shard-${index + 1}`)).ledger;
    t.like(run.plan.shard, { numbers: [index + 1], of: 2 });
    t.is(end?.stopped, 'complete');
  }
  const again = await startPod(1, variables);
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /nothing is left to weigh/);
  const beyond = await startPod(2, variables);
  t.is(beyond.code, 2);
  t.regex(beyond.stderr, /JOB_COMPLETION_INDEX=2.*shard 3, and there are 1 to 2/);
  const merged = await weighbridge(['merge', join(out, 'shard-1'), join(out, 'shard-2'), '--out', out]);
  t.is(merged.code, 0, merged.stderr);
});
