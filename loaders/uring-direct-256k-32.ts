import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-direct-256k-32',
  mechanism: 'uring',
  why: 'uring-direct with 32 reads of 256 KiB in flight instead of 8 of 1 MiB: as many bytes under way in smaller requests. Devices differ in which they like better, and the first tensor is complete sooner; the price is four times as many requests for the processor to make.',
  options: { direct: true, blockBytes: 256 * 1024, depth: 32 },
});
