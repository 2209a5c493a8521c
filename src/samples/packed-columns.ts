/** Columns on their way from the thread that read them to the one that uses them. */
import { Field, Group, View, type PackedGroup, type Shape } from './row-group.js';

export interface PackedColumns {
  readonly root: PackedField;
  readonly texts: readonly string[];
  readonly groups: readonly PackedGroup[];
  /** Of each record, in the order in which they came. */
  readonly groupOf: Uint32Array<ArrayBuffer>;
  readonly rowOf: Uint8Array<ArrayBuffer>;
}

interface PackedField {
  readonly id: number;
  readonly fields: readonly (readonly [name: string, field: PackedField])[];
  readonly items: readonly PackedField[];
  /** The names of each, in their order. */
  readonly shapes: readonly (readonly string[])[];
}

export function packed(root: Field, views: readonly View[], texts: readonly string[]): PackedColumns {
  const numbers = new Map<Group, number>();
  const groupOf = new Uint32Array(views.length);
  const rowOf = new Uint8Array(views.length);
  for (const [index, view] of views.entries()) {
    const { group, row } = View.placeOf(view);
    const number = numbers.get(group) ?? numbers.size;
    numbers.set(group, number);
    [groupOf[index], rowOf[index]] = [number, row];
  }
  return { root: packedField(root), texts, groups: [...numbers.keys()].map((group) => group.packed()), groupOf, rowOf };
}

/** What is moved to the other thread and no longer readable in this one. */
export function memoryOf({ groups, groupOf, rowOf }: PackedColumns): readonly ArrayBuffer[] {
  return [...groups.map(({ memory }) => memory), groupOf.buffer, rowOf.buffer];
}

/** Views, in the order in which the records came. */
export function unpacked({ root, texts, groups, groupOf, rowOf }: PackedColumns): readonly View[] {
  const record = unpackedField(root);
  const whole = groups.map((group) => Group.unpacked(group, texts));
  return Array.from(groupOf, (number, index) => {
    const group = whole[number];
    if (group === undefined) throw new RangeError(`there is no group ${number} of ${whole.length}`);
    return new View(group, record, rowOf[index] ?? 0);
  });
}

function packedField({ id, fields, items, shapes }: Field): PackedField {
  return {
    id,
    fields: [...fields].map(([name, field]) => [name, packedField(field)]),
    items: items.map(packedField),
    shapes: shapes.map(({ names }) => names),
  };
}

function unpackedField({ id, fields, items, shapes }: PackedField): Field {
  const field = new Field(id);
  for (const [name, inner] of fields) field.give(name, unpackedField(inner));
  field.items.push(...items.map(unpackedField));
  field.shapes.push(...shapes.map((names, shape) => shapeOf(field, shape, names)));
  return field;
}

function shapeOf({ fields }: Field, id: number, names: readonly string[]): Shape {
  return { id, names, fields: names.flatMap((name) => fields.get(name) ?? []) };
}
