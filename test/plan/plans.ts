/** Plans of models that exist on no disk, as any machine would make them. */
import type { ChosenLoader } from '../../src/loader.js';
import type { ModelInfo } from '../../src/native.js';
import { makePlan, type Planned, type PlannedModel, type PlanRequest } from '../../src/plan/plan.js';

export interface ModelAsked {
  readonly folder?: string;
  readonly bytes?: number;
  readonly digest?: string;
  readonly deviceCeiling?: boolean;
}

export function plannedModel(
  name: string,
  { folder = '/models', bytes = 1_000_000, digest = '0123456789abcdef', deviceCeiling = true }: ModelAsked = {},
): PlannedModel {
  const info: ModelInfo = {
    ...{ version: 3, alignment: 32, metadata: [], tensors: [], headerDigest: digest },
    parts: [{ path: `${folder}/${name}.gguf`, bytes, dataOffset: 500 }],
  };
  const shape = {
    ...{ layers: 1, width: 8, heads: 1, kvHeads: 1, keyLength: 8, valueLength: 8, ropeDimensions: 8, feedForward: 8 },
    ...{ vocabulary: 8, contextTrained: 4096, ropeBase: 10000, normEpsilon: 1e-5 },
  };
  const kernel = { shape, kvCacheBytes: 1, scratchBytes: 1, bytesNeeded: 1, tensorBytes: bytes - 500 };
  return { identity: `${folder}/${name}`, info, kernel, fileSystem: 'ext4', device: '/dev/vda', deviceCeiling };
}

export const someLoaders: readonly ChosenLoader[] = [
  { name: 'stdio', mechanism: 'stdio', why: '' },
  { name: 'read', mechanism: 'read', why: '' },
  { name: 'pread-parallel', mechanism: 'pread', why: '', options: { threads: 4, chunkBytes: 4096 } },
  { name: 'mmap-shared', mechanism: 'mmap', why: '', options: { sharing: 'shared' } },
  { name: 'mmap-private', mechanism: 'mmap', why: '', options: { sharing: 'private' } },
  { name: 'direct', mechanism: 'direct', why: '' },
  { name: 'null', mechanism: 'null', why: '' },
];

export function planned(asked: Partial<PlanRequest> = {}): Planned {
  return makePlan({
    models: [plannedModel('a')],
    loaders: someLoaders,
    loadersNamed: true,
    reference: null,
    states: ['cold', 'warm'],
    memoryStates: ['backed'],
    threads: [2],
    rounds: 2,
    memoryRounds: 1,
    prompt: 4,
    generate: 4,
    isa: 'avx2',
    seed: 1,
    timeoutSeconds: null,
    timeBudgetSeconds: null,
    build: 'b',
    ...asked,
  });
}
