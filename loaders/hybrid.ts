import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'hybrid',
  mechanism: 'hybrid',
  why: 'Our own. It asks the page cache first: a resident model is mapped, and that is all. For the rest it asks what free memory is worth, by the first touch of some huge pages, and takes the road that this allows, in the order in which the forward pass needs tensors, so that the first token is computed while later layers still arrive. Where free memory is backed it maps by huge pages, which two threads populate. Where a host has taken free memory back it fills a reserved pool of huge pages by direct I/O, or without one reads ahead into small pages. The road it took stands in its effective values.',
});
