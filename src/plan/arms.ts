/** The arms of a setting. An id holds every dimension that is not as usual, so that equal ids mean equal work. */
import { createHash } from 'node:crypto';
import { roleOf, type ChosenLoader } from '../loader.js';
import type { Arm, CommandTemplate, Setting } from '../samples/record.js';
import { unusual } from './settings.js';

/** A program of the user's own. */
export interface ChosenCommand {
  readonly name: string;
  readonly command: CommandTemplate;
}

/** Whether it brings a model's weights and uses them, by inference or by touching them. */
export function usesWeights({ work }: Pick<Arm, 'work'>): boolean {
  return work === 'infer' || work === 'touch';
}

/** What arms have in common beside their setting. */
export interface Common {
  /** What loaders bring weights for; absent: inference. */
  readonly work?: 'infer' | 'touch';
  readonly loadThreads?: readonly number[];
  readonly prompt: number;
  readonly generate: number;
  readonly isa: string;
  readonly build: string;
}

/** One, or one for each count of load threads where the loader has such an option. `first`: the model's first setting. */
export function loaderArms(
  definition: ChosenLoader,
  label: string,
  setting: Setting,
  first: Setting,
  common: Common,
): readonly Arm[] {
  const { loadThreads = [] } = common;
  if (!hasLoadThreads(definition) || loadThreads.length === 0) {
    return [loaderArm(definition, label, null, setting, first, common)];
  }
  return loadThreads.map((threads) => loaderArm(definition, label, threads, setting, first, common));
}

/** Whether --load-threads means anything to it. */
export function hasLoadThreads({ options }: ChosenLoader): boolean {
  return options !== undefined && 'threads' in options;
}

function loaderArm(
  definition: ChosenLoader,
  name: string,
  loadThreads: number | null,
  setting: Setting,
  first: Setting,
  common: Common,
): Arm {
  const role = roleOf(definition.mechanism);
  const { model, threads, context } = setting;
  const { isa } = common;
  const asked = common.work ?? 'infer';
  const { prompt, generate } = asked === 'touch' ? { prompt: 0, generate: 0 } : common;
  const work = role === 'loader' ? asked : role === 'bound' ? 'read' : 'none';
  const words = {
    ...{ infer: [`t${threads}`, `c${context}`, `p${prompt}`, `g${generate}`, isa], touch: [`t${threads}`] },
    // What uses no weights does the same in any setting, and yet has a place in each.
    ...{ read: [], none: [] },
  };
  const label = loadThreads === null ? name : `${name}@${loadThreads}`;
  const id = [
    ...[label, model, work, ...words[work]],
    ...(role === 'loader' || threads === first.threads ? [] : [`t${threads}`]),
    ...(role === 'loader' || context === first.context ? [] : [`c${context}`]),
    ...unusual(setting),
    ...(definition.moduleDigest === undefined ? [] : [definition.moduleDigest]),
    ...(definition.build === undefined ? [] : [buildWord(definition.build.version)]),
  ].join(' ');
  const options = definition.options ?? {};
  return {
    ...ofSetting(setting),
    id,
    kind: role === 'bound' ? 'bound' : 'loader',
    origin: definition.module === undefined ? 'built-in' : 'external',
    module: definition.module ?? null,
    moduleDigest: definition.moduleDigest ?? null,
    loader: definition.name,
    label,
    mechanism: definition.mechanism,
    options: loadThreads === null ? options : { ...options, threads: loadThreads },
    work,
    loadThreads,
    prompt,
    generate,
    isa,
    build: definition.build?.version ?? common.build,
    buildDirectory: definition.build?.directory ?? null,
  };
}

const buildWord = (version: string): string => `build:${version.replaceAll(' ', '-')}`;

/**
 * The id that an arm's work has whichever build does it and however often it stands in a run: under it `aa` stored the noise
 * of such an arm.
 */
export function plainId({ id, label, loader, loadThreads, build, buildDirectory = null }: Arm): string {
  const name = loadThreads === null ? loader : `${loader}@${loadThreads}`;
  const renamed = id.startsWith(`${label} `) ? `${name}${id.slice(label.length)}` : id;
  return buildDirectory === null ? renamed : renamed.replace(` ${buildWord(build)}`, '');
}

/** The arm's id without what may change from run to run: its build, and the digest of a user's file. */
export function baselineKey(arm: Arm): string {
  const id = plainId({ ...arm, loader: arm.label, loadThreads: null });
  return arm.moduleDigest === null ? id : id.replace(` ${arm.moduleDigest}`, '');
}

export function commandArm({ name, command }: ChosenCommand, label: string, setting: Setting, common: Common): Arm {
  const digest = createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 16);
  const { model, threads, context } = setting;
  return {
    ...ofSetting(setting),
    id: [label, model, 'command', digest, `t${threads}`, `c${context}`, ...unusual(setting)].join(' '),
    kind: 'command',
    origin: 'external',
    module: null,
    moduleDigest: null,
    loader: name,
    label,
    mechanism: 'command',
    options: {},
    work: 'command',
    loadThreads: null,
    prompt: 0,
    generate: 0,
    isa: common.isa,
    build: common.build,
    command,
  };
}

export function ceilingArm(loader: 'device' | 'home' | 'memory', setting: Setting, { isa, build }: Common): Arm {
  return {
    ...ofSetting(setting),
    id: `ceiling:${loader} ${setting.key} t${setting.threads}`,
    kind: 'ceiling',
    origin: 'built-in',
    module: null,
    moduleDigest: null,
    loader,
    label: loader,
    mechanism: 'ceiling',
    options: {},
    work: 'read',
    loadThreads: null,
    context: 0,
    prompt: 0,
    generate: 0,
    isa,
    build,
  };
}

function ofSetting({ key, model, threads, processes, memoryLimit, context, pressure, numa }: Setting) {
  const limit = memoryLimit?.bytes ?? null;
  return { setting: key, model, threads, processes, memoryLimit: limit, context, pressure, numa };
}
