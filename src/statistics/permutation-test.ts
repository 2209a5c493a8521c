/** Comparing with a stored baseline, whose samples are nobody's neighbours. */
import { median } from './order.js';

export interface PermutationTest {
  /** Median of head ÷ median of base. */
  readonly ratio: number;
  /** Of a ratio as high (`slower`) or as low (`faster`), were head and base the same. */
  readonly pSlower: number;
  readonly pFaster: number;
}

/**
 * Exact permutation test of log medians: of all ways to divide the pooled values into two groups of these sizes (Good,
 * Permutation Tests, §3), the share whose medians are as far apart. They are not tried but counted, by where both medians
 * lie among the ranked values: drawing some at random would bound p from below, and so leave nothing to be found where many
 * comparisons are made together. Values are above 0, in any order, at least one a side.
 */
export function permutationTest(head: readonly number[], base: readonly number[]): PermutationTest {
  const values = [...head, ...base].map(Math.log);
  if (head.length === 0 || base.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError('a permutation test takes values above 0, at least one of head and one of base');
  }
  const pooled = Float64Array.from(values).sort();
  const observed = median(values.slice(0, head.length)) - median(values.slice(head.length));
  // Sums of logarithms in another order may differ in the last bits: what is equal must count as equal.
  const slack = 1e-12 * Math.max(1, ...values.map(Math.abs));
  const [mine, theirs] = [groupOf(head.length), groupOf(base.length)];
  return {
    ratio: Math.exp(observed),
    pSlower: Math.min(1, new Divisions(pooled, mine, theirs).atLeast(observed - slack)),
    pFaster: Math.min(1, new Divisions(pooled, theirs, mine).atLeast(-observed - slack)),
  };
}

/** The median is the mean of the members `low` and `high` in rank order, of an odd count one member. */
interface Group {
  readonly size: number;
  /** Members below `low`, and as many above `high`. */
  readonly half: number;
  readonly isEven: boolean;
}

function groupOf(size: number): Group {
  return { size, half: Math.ceil(size / 2) - 1, isEven: size % 2 === 0 };
}

/** Shares of all divisions below this are nothing. */
const NEGLIGIBLE = 1e-18;

/**
 * Where the members q and r lie, and what that leaves: members of the group below that are above r, and the logarithms of the
 * ways to choose those below q and those between.
 */
interface Places {
  readonly below: Group;
  readonly above: Group;
  readonly q: number;
  readonly r: number;
  readonly left: number;
  readonly lower: number;
  readonly between: number;
}

/** All divisions of ascending values into two groups. Positions are counted from 0. */
class Divisions {
  readonly #values: Float64Array;
  readonly #head: Group;
  readonly #base: Group;
  /** Logarithms of factorials. */
  readonly #factorials: Float64Array;
  readonly #all: number;

  constructor(values: Float64Array, head: Group, base: Group) {
    this.#values = values;
    this.#head = head;
    this.#base = base;
    this.#factorials = new Float64Array(values.length + 2);
    for (let n = 1; n < this.#factorials.length; n += 1) {
      this.#factorials[n] = (this.#factorials[n - 1] ?? 0) + Math.log(n);
    }
    this.#all = this.#logChoose(values.length, head.size);
  }

  /** The share of divisions in which the median of head less that of base is at least so much. */
  atLeast(difference: number): number {
    const [head, base] = [this.#head, this.#base];
    const [isLow, isHigh] = [(apart: number) => -apart >= difference, (apart: number) => apart >= difference];
    return (
      this.#apart(base, head, difference, true) +
      this.#apart(head, base, -difference, false) +
      this.#within(head, base, isHigh) +
      this.#within(base, head, isLow) +
      this.#crossed(head, base, isLow) +
      this.#crossed(base, head, isHigh)
    );
  }

  /**
   * Divisions in which the median of one group (members p, q) lies wholly below that of the other (r, s), and the two differ by
   * at least or at most so much. Between p and q are members of the other group alone, between r and s of this one. Given q
   * and r, those below p and those above s are chosen freely: for each s, the p that fit are all below or above some place.
   */
  #apart(below: Group, above: Group, difference: number, atLeast: boolean): number {
    const n = this.#values.length;
    let share = 0;
    for (let q = 0; q < n; q += 1) {
      const lower = below.isEven ? this.#logChoose(q, below.half + 1) : this.#logChoose(q, below.half);
      const othersBefore = below.isEven ? q - below.half - 1 : q - below.half;
      for (let r = q + 1; r < n; r += 1) {
        const others = above.half - othersBefore;
        const mine = r - q - 1 - others;
        const left = below.half - mine;
        const between = this.#logChoose(r - q - 1, others);
        const both = this.#share(lower + between + this.#logChoose(n - 1 - r, left));
        if (both < NEGLIGIBLE) continue;
        share += this.#ofPlaces({ below, above, q, r, left, lower, between }, difference, atLeast);
      }
    }
    return share;
  }

  #ofPlaces({ below, above, q, r, left, lower, between }: Places, difference: number, atLeast: boolean): number {
    const n = this.#values.length;
    const last = above.isEven ? Math.min(n - 1, r + 1 + left) : r;
    let share = 0;
    for (let s = above.isEven ? r + 1 : r; s <= last; s += 1) {
      // Those between r and s are of the group below.
      const rest = between + this.#logChoose(n - 1 - s, above.isEven ? left - (s - r - 1) : left);
      // Ever fewer with each s.
      if (this.#share(lower + rest) < NEGLIGIBLE) break;
      const limit = this.#at(r) + this.#at(s) - this.#at(q) - 2 * difference;
      if (below.isEven) {
        const chosen = (count: number): number => this.#share(this.#logChoose(count, below.half + 1) + rest);
        share += atLeast
          ? chosen(this.#countTo(limit, q))
          : this.#share(lower + rest) - chosen(this.#countBelow(limit, q));
      } else if (atLeast ? this.#at(q) <= limit : this.#at(q) >= limit) {
        share += this.#share(lower + rest);
      }
    }
    return share;
  }

  /**
   * Divisions in which the median of the inner group lies between the two members, p and q, that make that of the outer one:
   * there is only one place for it. `fits` is asked of outer less inner.
   */
  #within(outer: Group, inner: Group, fits: (apart: number) => boolean): number {
    if (!outer.isEven) return 0;
    const r = outer.half + inner.half + 1;
    const s = inner.isEven ? r + 1 : r;
    const middle = (this.#at(r) + this.#at(s)) / 2;
    return this.#around(r, s, (p, q) =>
      fits((this.#at(p) + this.#at(q)) / 2 - middle)
        ? this.#logChoose(p, outer.half) + this.#logChoose(this.#values.length - 1 - q, outer.half)
        : -Infinity,
    );
  }

  /**
   * Divisions in which the members that make the medians take turns: p of the first group, r of the second, q of the first, s of
   * the second. Then r and q are neighbours, with only one place for them. `fits` is asked of second less first.
   */
  #crossed(first: Group, second: Group, fits: (apart: number) => boolean): number {
    if (!first.isEven || !second.isEven) return 0;
    const r = first.half + second.half + 1;
    const q = r + 1;
    return this.#around(r, q, (p, s) =>
      fits((this.#at(r) + this.#at(s) - this.#at(p) - this.#at(q)) / 2)
        ? this.#logChoose(p, first.half) + this.#logChoose(this.#values.length - 1 - s, first.half - (s - q - 1))
        : -Infinity,
    );
  }

  /** The share of what there is of each place below `from` with each above `to`. */
  #around(from: number, to: number, logWays: (below: number, above: number) => number): number {
    let share = 0;
    for (let below = 0; below < from; below += 1) {
      for (let above = to + 1; above < this.#values.length; above += 1) share += this.#share(logWays(below, above));
    }
    return share;
  }

  #at(position: number): number {
    return this.#values[position] ?? Number.NaN;
  }

  /** How many of the first `count` values are at most the limit. */
  #countTo(limit: number, count: number): number {
    return this.#first(count, (value) => value > limit);
  }

  #countBelow(limit: number, count: number): number {
    return this.#first(count, (value) => value >= limit);
  }

  /** The first of `count` positions whose value is beyond, all later ones being so too; `count` where none is. */
  #first(count: number, isBeyond: (value: number) => boolean): number {
    let [from, to] = [0, count];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (isBeyond(this.#at(middle))) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  /** Of n over k; of what cannot be, minus infinity. */
  #logChoose(n: number, k: number): number {
    if (k < 0 || k > n) return -Infinity;
    return (this.#factorials[n] ?? 0) - (this.#factorials[k] ?? 0) - (this.#factorials[n - k] ?? 0);
  }

  #share(logWays: number): number {
    return Math.exp(logWays - this.#all);
  }
}
