import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-random',
  mechanism: 'mmap',
  why: 'MADV_RANDOM over the mapping switches read-ahead off: each page of 4 KiB that is missing is a fault and a device read of its own. For a dense model, which needs every byte, it is the slowest map there is from cold, by an order of magnitude; it is here because some programs set it, and because a model of which each token needs only a small part, such as a mixture of experts larger than memory, may be better off without what read-ahead brings in vain.',
  options: { sharing: 'shared', advice: ['random'] },
});
