import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-sequential',
  mechanism: 'mmap',
  why: 'MADV_SEQUENTIAL over the mapping: the kernel reads ahead aggressively at each fault and may drop pages soon after they were used. The forward pass walks most of the file in order, so that the first half of the promise fits; the second half hurts where the same weights are needed again for the next token and memory is short. Load returns at once, the faults come with the first token.',
  options: { sharing: 'shared', advice: ['sequential'] },
});
