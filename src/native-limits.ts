/** The part of the addon that measures what a machine can do at all (bindings/limits.cc). Synchronous: for a process of their own. */
import type { DeviceRecipe } from './native.js';

/** Bytes [from, from + bytes) of the files laid end to end. */
export interface NativePiece {
  readonly paths: readonly string[];
  readonly from: number;
  readonly bytes: number;
}

export interface NativeTransfer {
  readonly bytes: number;
  readonly ns: number;
  /** Issued to storage meanwhile; null if unreadable. */
  readonly readBytes: number | null;
}

export interface NativeLimits {
  bestRecipe(spec: NativePiece & { readonly bytesEach: number }): DeviceRecipe;
  /** Direct reads into hot buffers, or (home) into memory that was never touched. */
  directTransfer(
    spec: NativePiece & { readonly recipe: DeviceRecipe; readonly home: boolean },
  ): NativeTransfer & { readonly hugePages: boolean };
  /** read(2) through the page cache into one hot buffer. */
  bufferedTransfer(spec: NativePiece): NativeTransfer;
  /** The same into memory of that size which was touched beforehand. */
  copyTransfer(spec: NativePiece & { readonly threads: number }): NativeTransfer;
  /** Sums a populated shared mapping. */
  mappingTransfer(spec: NativePiece & { readonly threads: number }): NativeTransfer;
  faultCost(spec: { readonly path: string; readonly bytes: number }): {
    readonly ns: number;
    readonly minorFaults: number;
    readonly majorFaults: number;
    readonly mmapCallNs: number;
  };
  memorySpeeds(spec: { readonly bytes: number; readonly threads: readonly number[] }): readonly {
    readonly threads: number;
    readonly bytes: number;
    readonly readNs: number;
    readonly writeNs: number;
    /** Whether all of the memory lay in 2 MiB pages, which are asked for. */
    readonly hugePages: boolean;
  }[];
  /** In the order of the cases; null where 2 MiB pages were not to be had. */
  touchSpeeds(spec: {
    readonly bytes: number;
    readonly cases: readonly { readonly huge: boolean; readonly threads: number }[];
  }): readonly ({ readonly bytes: number; readonly firstNs: number; readonly secondNs: number } | null)[];
}
