import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-buffered',
  mechanism: 'uring',
  why: 'io_uring through the page cache: 8 reads of 1 MiB in flight from one thread, in the order of the forward pass, without O_DIRECT. From cold the queue keeps the device busy beyond the read-ahead window; from warm each read completes inside the submitting call, so that one thread does all the copying and it should measure like read.',
  options: { direct: false, blockBytes: 1024 * 1024, depth: 8 },
});
