/** What weights are brought for: inference, or with --no-inference loading alone. */
import { UsageError } from '../failure.js';
import type { PlanRequest } from '../plan/plan.js';

/** The parser takes `--no-inference` for a false `inference`. */
export const inferenceOption = {
  inference: {
    type: 'boolean',
    describe:
      'Run the model on its weights. With --no-inference loading alone is weighed, of any GGUF file: every tensor byte is touched and summed instead',
  },
} as const;

/** Options that only inference has a use for. */
export const OF_INFERENCE = ['prompt', 'generate', 'context', 'isa'] as const;

type InferenceArguments = Readonly<Partial<Record<(typeof OF_INFERENCE)[number], string | undefined>>> & {
  readonly inference: boolean | undefined;
};

/** Throws UsageError where --no-inference leaves an option without a use. */
export function workOf(args: InferenceArguments): NonNullable<PlanRequest['work']> {
  if (args.inference !== false) return 'infer';
  const stray = OF_INFERENCE.find((name) => args[name] !== undefined);
  if (stray === undefined) return 'touch';
  throw new UsageError(`--${stray} is of inference, and --no-inference weighs loading alone: leave one of them out`);
}
