import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'llama-mmap',
  mechanism: 'mmap',
  why: 'What llama.cpp does by default: posix_fadvise(SEQUENTIAL) on the file, mmap with MAP_SHARED and MAP_POPULATE, one MADV_WILLNEED over the mapping, and munmap of the ends that hold no tensor. By the time of the advice MAP_POPULATE has already read everything in, so that the advice has nothing left to do; the sequential hint doubles the read-ahead window. It is the loading alone: llama.cpp then repacks some types of weights into a copy, which is not done here.',
  options: {
    sharing: 'shared',
    populate: true,
    sequentialFile: true,
    bring: 'willneed',
    chunkBytes: 0,
    unmapUnused: true,
  },
});
