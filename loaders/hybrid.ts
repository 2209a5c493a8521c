import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'hybrid',
  mechanism: 'hybrid',
  why: 'Our own. It asks the page cache first: a resident model is mapped, and that is all, or, under a host with shadow page tables, mapped with all its pages before any is used. The rest comes in the order in which the forward pass needs tensors, so that the first token is computed while later layers still arrive: by huge pages, which two threads populate, as long as their first use is quick; where a host has taken free memory back, by reading ahead into small pages, or into a reserved pool of huge pages by direct I/O. The road it took stands in its effective values.',
});
