/** The public types and functions: definitions of loaders, and reading what a run wrote. */
export { defineConfig, type CommandConfig, type Config, type PlanConfig } from './config.js';
export { defineLoader, type LoaderDefinition, type LoadFunction, type LoadPart, type Mechanism } from './loader.js';
export type * from './gate/baseline-types.js';
export type * from './gate/verdict-types.js';
export { readLedger } from './samples/ledger.js';
export type * from './samples/record.js';
export { noiseFlagger } from './statistics/noise-flags.js';
export { summarize } from './statistics/summarize.js';
export type * from './statistics/summary-types.js';
