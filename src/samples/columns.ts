/**
 * Records of one kind kept as columns, without loss: a million samples take some hundred MB rather than several GB. What is
 * read back are views, whose fields are getters of a prototype: they are read as the records are, but spreading or listing
 * one gives nothing, for which there is `plain`.
 */
import { Field, Kind, OpenGroup, ROWS, View, type Shape } from './row-group.js';
import { packed, type PackedColumns } from './packed-columns.js';

/** As it was before it was kept; anything that is no view is returned as it is. */
export function plain<T>(value: T): T {
  return value instanceof View ? (View.plain(value) as T) : value;
}

/** Whether text is a moment as Date.toISOString writes it, of which the number suffices. */
function isMoment(text: string): boolean {
  if (text.length !== 24 || !text.endsWith('Z')) return false;
  const moment = new Date(text);
  return !Number.isNaN(moment.getTime()) && moment.toISOString() === text;
}

/** Collects records, and gives them back as views in the order in which they came. */
export class Columns<T extends object> {
  #count = 0;
  readonly #root = this.#newField();
  readonly #open = new Map<string, OpenGroup>();
  readonly #views: View[] = [];
  readonly #texts: string[] = [];
  readonly #codes = new Map<string, number>();

  /** Records of equal `likeness` stand together: the more alike they are, the less room they take. */
  add(record: T, likeness: string): void {
    let open = this.#open.get(likeness);
    if (open === undefined) this.#open.set(likeness, (open = new OpenGroup()));
    this.#views.push(new View(open.group, this.#root, open.rows));
    this.#put(open, this.#root, record);
    open.rows += 1;
    if (open.rows === ROWS) open.seal(this.#texts);
  }

  /** Nothing may be added afterwards. */
  finish(): readonly T[] {
    for (const open of this.#open.values()) open.seal(this.#texts);
    this.#open.clear();
    this.#codes.clear();
    return this.#views as unknown as readonly T[];
  }

  /** In place of `finish`: for another thread, which reads them by `unpacked`. */
  pack(): PackedColumns {
    this.finish();
    return packed(this.#root, this.#views, this.#texts);
  }

  #newField(): Field {
    this.#count += 1;
    return new Field(this.#count - 1);
  }

  #put(open: OpenGroup, field: Field, value: unknown): void {
    const { id } = field;
    const row = open.rows;
    const kinds = (open.kinds[id] ??= new Uint8Array(ROWS));
    const codes = (open.codes[id] ??= new Float64Array(ROWS));
    if (typeof value === 'number') {
      kinds[row] = Kind.number;
      codes[row] = value;
    } else if (value === null) {
      kinds[row] = Kind.null;
    } else if (typeof value === 'string') {
      const moment = isMoment(value);
      kinds[row] = moment ? Kind.date : Kind.text;
      codes[row] = moment ? Date.parse(value) : this.#codeOf(value);
    } else if (typeof value === 'boolean') {
      kinds[row] = value ? Kind.true : Kind.false;
    } else if (Array.isArray(value)) {
      kinds[row] = Kind.list;
      codes[row] = value.length;
      for (let at = 0; at < value.length; at += 1) {
        this.#put(open, (field.items[at] ??= this.#newField()), value[at]);
      }
    } else if (typeof value === 'object') {
      kinds[row] = Kind.object;
      codes[row] = this.#putFields(open, field, value as Readonly<Record<string, unknown>>);
    }
  }

  /** Returns the shape of the object. One that is not like the last of its kind is begun again. */
  #putFields(open: OpenGroup, field: Field, value: Readonly<Record<string, unknown>>): number {
    const { names, fields, id } = field.lastShape;
    let at = 0;
    for (const name in value) {
      const inner = fields[at];
      if (names[at] !== name || inner === undefined) {
        at = -1;
        break;
      }
      this.#put(open, inner, value[name]);
      at += 1;
    }
    if (at === names.length && id >= 0) return id;
    field.lastShape = this.#shapeOf(field, Object.keys(value));
    return this.#putFields(open, field, value);
  }

  #shapeOf(field: Field, names: readonly string[]): Shape {
    const key = JSON.stringify(names);
    const known = field.shapeByNames.get(key);
    if (known !== undefined) return known;
    const shape = { id: field.shapes.length, names, fields: names.map((name) => this.#innerField(field, name)) };
    field.shapes.push(shape);
    field.shapeByNames.set(key, shape);
    return shape;
  }

  #innerField(field: Field, name: string): Field {
    const known = field.fields.get(name);
    if (known !== undefined) return known;
    const made = this.#newField();
    field.give(name, made);
    return made;
  }

  #codeOf(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    const code = this.#texts.push(text) - 1;
    this.#codes.set(text, code);
    return code;
  }
}
