/**
 * The schemas as functions. Here are only their types: scripts/build.mjs has ajv write them, so that nothing has to be
 * compiled, and no text evaluated, when a ledger is read.
 */

/** Where the first violation is, and what it is, as ajv says it. */
export interface Violation {
  /** JSON pointer: /phases/open/ns */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Check {
  (value: unknown): boolean;
  errors?: readonly Violation[] | null;
}

export declare const run: Check;
export declare const sample: Check;
export declare const group: Check;
export declare const wait: Check;
export declare const resume: Check;
export declare const end: Check;
export declare const baseline: Check;
