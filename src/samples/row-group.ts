/**
 * Rows of a table whose columns are packed: a field that never differs takes no room, and one of integers no more bytes
 * than their range wants. Nothing is lost.
 */

/** What stands in a row of a field. */
export const Kind = { absent: 0, null: 1, object: 2, list: 3, number: 4, text: 5, date: 6, false: 7, true: 8 } as const;
/** In place of a kind: it differs from row to row. */
const VARIES = 255;

/** Rows of a group. More would compress no better, and every group that is still open holds this many in full. */
export const ROWS = 256;

const NO_SHAPE: Shape = { id: -1, names: [], fields: [] };

/** The fields of an object, in its own order. */
export interface Shape {
  readonly id: number;
  readonly names: readonly string[];
  readonly fields: readonly Field[];
}

/** A field of the records, wherever it stands: in them, in one of their objects, or at a place in one of their lists. */
export class Field {
  readonly items: Field[] = [];
  readonly shapes: Shape[] = [];
  readonly shapeByNames = new Map<string, Shape>();
  /** Most objects are like the one before. */
  lastShape = NO_SHAPE;
  /** Those of its objects, in the order in which they were met. */
  readonly fields = new Map<string, Field>();
  /** The same, by the numbers of their names. */
  readonly fieldByNumber: (Field | undefined)[] = [];

  constructor(readonly id: number) {}

  give(name: string, field: Field): void {
    this.fields.set(name, field);
    this.fieldByNumber[View.numberOf(name)] = field;
  }
}

const GROUP = Symbol('group');
const FIELD = Symbol('field');
const ROW = Symbol('row');

/**
 * An object that was one of a record. A report makes millions, and reads many more: fields that are declared, or private,
 * take twice the time, and so do prototypes of their own for each field, since V8 then looks up what `this` is each time.
 */
export class View {
  declare readonly [GROUP]: Group;
  declare readonly [FIELD]: Field;
  declare readonly [ROW]: number;

  constructor(group: Group, field: Field, row: number) {
    this[GROUP] = group;
    this[FIELD] = field;
    this[ROW] = row;
  }

  toJSON(): unknown {
    return View.plain(this);
  }

  static readonly #numbers = new Map<string, number>();

  /** Of a name that a field may have, in whatever record; all views can be asked for it then. */
  static numberOf(name: string): number {
    const known = View.#numbers.get(name);
    if (known !== undefined) return known;
    const number = View.#numbers.size;
    View.#numbers.set(name, number);
    // What every object has stays: such a field is seen in what `plain` makes.
    if (name in View.prototype) return number;
    Object.defineProperty(View.prototype, name, {
      get(this: View) {
        const field = this[FIELD].fieldByNumber[number];
        return field === undefined ? undefined : this[GROUP].read(field, this[ROW]);
      },
    });
    return number;
  }

  /** Where it stands. */
  static placeOf(view: View): { readonly group: Group; readonly row: number } {
    return { group: view[GROUP], row: view[ROW] };
  }

  static plain(view: View): unknown {
    return view[GROUP].plain(view[FIELD], view[ROW]);
  }
}

/** Rows that are still collected: of each field, by its id, what stands in each row. */
export class OpenGroup {
  readonly kinds: Uint8Array[] = [];
  readonly codes: Float64Array[] = [];
  group = new Group();
  rows = 0;

  seal(texts: readonly string[]): void {
    this.group.seal(this, texts);
    this.group = new Group();
    this.rows = 0;
    for (const kinds of this.kinds) kinds?.fill(Kind.absent);
  }
}

/** How the codes of a field are kept: as `base + step × n`, or as they are. */
const Width = { none: 0, byte: 1, two: 2, three: 3, four: 4, double: 8 } as const;

/** A group as another thread may be given it: its memory goes over without a copy. */
export interface PackedGroup {
  readonly fields: number;
  /** Of each field a base, a step, where its kinds and its codes stand, its kind and its width; then kinds and codes. */
  readonly memory: ArrayBuffer;
}

/** Bytes of a field before the kinds and codes of the rows: two doubles, two places, two bytes. */
const FIELD_BYTES = 26;

export class Group {
  #memory = new ArrayBuffer(0);
  #kinds = new Uint8Array(this.#memory);
  #kindsAt = new Uint32Array(this.#memory);
  #widths = new Uint8Array(this.#memory);
  #codesAt = new Uint32Array(this.#memory);
  #bases = new Float64Array(this.#memory);
  #steps = new Float64Array(this.#memory);
  #data = new DataView(this.#memory);
  #texts: readonly string[] = [];

  static unpacked({ fields, memory }: PackedGroup, texts: readonly string[]): Group {
    const group = new Group();
    group.#lies(fields, memory);
    group.#texts = texts;
    return group;
  }

  packed(): PackedGroup {
    return { fields: this.#kinds.length, memory: this.#memory };
  }

  #lies(fields: number, memory: ArrayBuffer): void {
    this.#memory = memory;
    [this.#bases, this.#steps] = [new Float64Array(memory, 0, fields), new Float64Array(memory, 8 * fields, fields)];
    this.#kindsAt = new Uint32Array(memory, 16 * fields, fields);
    this.#codesAt = new Uint32Array(memory, 20 * fields, fields);
    this.#kinds = new Uint8Array(memory, 24 * fields, fields);
    this.#widths = new Uint8Array(memory, 25 * fields, fields);
    this.#data = new DataView(memory, FIELD_BYTES * fields);
  }

  /** Takes over the rows of an open group. */
  seal({ kinds, codes, rows }: OpenGroup, texts: readonly string[]): void {
    this.#texts = texts;
    let bytes = 0;
    const packings = Array.from(kinds, (ownKinds, id) => {
      const ownCodes = codes[id];
      if (ownKinds === undefined || ownCodes === undefined) return null;
      const first = ownKinds[0] ?? Kind.absent;
      const kind = ownKinds.subarray(0, rows).every((each) => each === first) ? first : VARIES;
      const kindsAt = bytes;
      if (kind === VARIES) bytes += rows;
      const own = { ...packing(ownKinds, ownCodes, rows), kind, kindsAt, codesAt: bytes };
      bytes += rows * own.width;
      return own;
    });
    this.#lies(packings.length, new ArrayBuffer(FIELD_BYTES * packings.length + bytes));
    for (const [id, own] of packings.entries()) {
      if (own === null) continue;
      [this.#bases[id], this.#steps[id], this.#widths[id]] = [own.base, own.step, own.width];
      [this.#kinds[id], this.#kindsAt[id], this.#codesAt[id]] = [own.kind, own.kindsAt, own.codesAt];
      this.#store(id, kinds[id], codes[id], rows);
    }
  }

  #store(id: number, kinds: Uint8Array | undefined, codes: Float64Array | undefined, rows: number): void {
    if (kinds === undefined || codes === undefined) return;
    const data = this.#data;
    const [kindsAt, codesAt] = [this.#kindsAt[id] ?? 0, this.#codesAt[id] ?? 0];
    const [base, step] = [this.#bases[id] ?? 0, this.#steps[id] ?? 1];
    const varies = this.#kinds[id] === VARIES;
    for (let row = 0; row < rows; row += 1) {
      const kind = kinds[row] ?? Kind.absent;
      const code = codes[row] ?? 0;
      if (varies) data.setUint8(kindsAt + row, kind);
      const n = hasCode(kind) ? (code - base) / step : 0;
      switch (this.#widths[id] ?? Width.none) {
        case Width.byte:
          data.setUint8(codesAt + row, n);
          break;
        case Width.two:
          data.setUint16(codesAt + 2 * row, n);
          break;
        case Width.three:
          data.setUint16(codesAt + 3 * row, n >>> 8);
          data.setUint8(codesAt + 3 * row + 2, n & 0xff);
          break;
        case Width.four:
          data.setUint32(codesAt + 4 * row, n);
          break;
        case Width.double:
          data.setFloat64(codesAt + 8 * row, code);
          break;
        default:
      }
    }
  }

  #kindOf(id: number, row: number): number {
    const kind = this.#kinds[id] ?? Kind.absent;
    return kind === VARIES ? this.#data.getUint8((this.#kindsAt[id] ?? 0) + row) : kind;
  }

  #codeOf(id: number, row: number): number {
    const at = this.#codesAt[id] ?? 0;
    const base = this.#bases[id] ?? 0;
    const step = this.#steps[id] ?? 1;
    switch (this.#widths[id] ?? Width.none) {
      case Width.byte:
        return base + step * this.#data.getUint8(at + row);
      case Width.two:
        return base + step * this.#data.getUint16(at + 2 * row);
      case Width.three:
        return base + step * (256 * this.#data.getUint16(at + 3 * row) + this.#data.getUint8(at + 3 * row + 2));
      case Width.four:
        return base + step * this.#data.getUint32(at + 4 * row);
      case Width.double:
        return this.#data.getFloat64(at + 8 * row);
      default:
        return base;
    }
  }

  /** Lists are made anew each time; objects are views. */
  read(field: Field, row: number): unknown {
    const kind = this.#kindOf(field.id, row);
    // Nearly all are one of these, and a report reads millions: nothing is made for them that need not be.
    if (kind === Kind.number) return this.#codeOf(field.id, row);
    if (kind === Kind.null) return null;
    if (kind === Kind.object) return new View(this, field, row);
    return this.#scalar(field, kind, row, (item) => this.read(item, row));
  }

  plain(field: Field, row: number): unknown {
    const kind = this.#kindOf(field.id, row);
    if (kind !== Kind.object) return this.#scalar(field, kind, row, (item) => this.plain(item, row));
    const { names, fields } = field.shapes[this.#codeOf(field.id, row)] ?? NO_SHAPE;
    return Object.fromEntries(fields.map((inner, at) => [names[at], this.plain(inner, row)]));
  }

  #scalar({ id, items }: Field, kind: number, row: number, itemOf: (item: Field) => unknown): unknown {
    switch (kind) {
      case Kind.number:
        return this.#codeOf(id, row);
      case Kind.null:
        return null;
      case Kind.text:
        return this.#texts[this.#codeOf(id, row)];
      case Kind.date:
        return new Date(this.#codeOf(id, row)).toISOString();
      case Kind.list:
        return items.slice(0, this.#codeOf(id, row)).map(itemOf);
      case Kind.false:
        return false;
      case Kind.true:
        return true;
      default:
        return undefined;
    }
  }
}

/** A number itself; of a list its length, of an object its shape, of text which it is, of a moment its milliseconds. */
function hasCode(kind: number): boolean {
  return kind >= Kind.object && kind <= Kind.date;
}

interface Packing {
  readonly base: number;
  readonly step: number;
  readonly width: number;
}

const AS_IT_IS: Packing = { base: 0, step: 1, width: Width.double };

/** The fewest bytes that hold the codes of these rows exactly. */
function packing(kinds: Uint8Array, codes: Float64Array, rows: number): Packing {
  let base = Infinity;
  let highest = -Infinity;
  for (let row = 0; row < rows; row += 1) {
    if (!hasCode(kinds[row] ?? 0)) continue;
    const code = codes[row] ?? 0;
    if (!Number.isSafeInteger(code) || Object.is(code, -0)) return AS_IT_IS;
    base = Math.min(base, code);
    highest = Math.max(highest, code);
  }
  if (base === highest || base === Infinity) return { base: base === Infinity ? 0 : base, step: 1, width: Width.none };
  // Sizes are multiples of a page, times of a clock's tick.
  let step = highest - base;
  if (!Number.isSafeInteger(step)) return AS_IT_IS;
  for (let row = 0; row < rows && step > 1; row += 1) {
    if (hasCode(kinds[row] ?? 0)) step = commonDivisor(step, (codes[row] ?? 0) - base);
  }
  const most = (highest - base) / step;
  const width = [Width.byte, Width.two, Width.three, Width.four].find((bytes) => most < 256 ** bytes);
  return width === undefined ? AS_IT_IS : { base, step, width };
}

function commonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
