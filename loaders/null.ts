import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'null',
  mechanism: 'null',
  why: 'Brings nothing in: it parses the header, maps and reads no weight, and stops there. What its samples take is what the harness itself costs, and below that time no other loader can be told from nothing. It has no logits and no ratio.',
});
