/** Sentences on what memory a loader took. Each is null where the ledger lacks its figures. */
import type { Memory } from '../samples/record.js';
import type { OkSample } from '../statistics/pairs.js';
import { mediansOf, middleOf, ofBoth, type Speaker } from './explain-case.js';
import { percent, size } from './format.js';

/** Of the memory of its own, at or above this share of the tensor bytes the weights are a copy, below the other they are not. */
const COPIED = 0.8;
const NOT_COPIED = 0.05;

type Part = (memory: Memory) => number | null;

/** Shared anonymous memory and huge pages are filled as plain memory is. */
const own: Part = ({ anonymous, shmem, hugetlb }) =>
  anonymous === null ? null : anonymous + (shmem ?? 0) + (hugetlb ?? 0);
const mapped: Part = ({ file }) => file;
const hugeOwn: Part = ({ hugeAnonymous, hugetlb }) => (hugeAnonymous === null ? null : hugeAnonymous + (hugetlb ?? 0));
const hugeMapped: Part = ({ hugeFile }) => hugeFile;

/** Growth of a part from before the load to the first token, or to the end where the time pass alone is there. */
function growthOf(part: Part): (sample: OkSample) => number | null {
  return ({ memory }) => {
    if (memory === null) return null;
    const before = part(memory.baseline);
    const now = part(memory.firstToken ?? memory.end);
    return before === null || now === null ? null : Math.max(0, now - before);
  };
}

export const copiedSentence: Speaker = (of) =>
  ofBoth(of, ({ label, weighed, timed }) => {
    const samples = weighed.length > 0 ? weighed : timed;
    const grown = middleOf(samples, growthOf(own));
    const pages = middleOf(samples, growthOf(mapped));
    if (grown === null || pages === null || of.tensorBytes === 0) return null;
    const huge = (part: Part): string => {
      const bytes = middleOf(samples, growthOf(part));
      return bytes === null || bytes.value < 2 ** 21 ? '' : ` (${size(bytes.value)} in huge pages)`;
    };
    const share = grown.value / of.tensorBytes;
    const copied =
      share < NOT_COPIED
        ? 'copied none of the weights'
        : `copied ${share >= COPIED ? 'the weights' : 'a part of the weights'}`;
    return `${label} ${copied}: memory of its own grew by ${size(grown.value)}, ${percent(share)} of the tensor bytes${huge(hugeOwn)}, and its mapped file pages by ${size(pages.value)}${huge(hugeMapped)} (${weighed.length > 0 ? `at the ${of.moment}` : 'at the end'}, ${mediansOf(grown.n)})`;
  });

export const footprintSentence: Speaker = (of) => {
  const costs = ofBoth(of, ({ label, cell: { footprint } }) => {
    if (footprint === null) return null;
    const { unreclaimable, peakUnreclaimable, reclaimable, n } = footprint;
    const cache = reclaimable === null ? '' : ` and ${size(reclaimable)} of page cache, which the system may drop`;
    const peak = peakUnreclaimable === null ? '' : ` (${size(peakUnreclaimable)} at its peak)`;
    return `with ${label} ${size(unreclaimable)} unreclaimable${peak}${cache} (memory pass, ${mediansOf(n)})`;
  });
  return costs === null ? null : `Holding the model costs ${costs}`;
};
