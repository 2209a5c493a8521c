/** As much of JSON Schema 2020-12 as this project publishes. A keyword that is not known here throws: it would go unchecked. */
type Schema = Readonly<Record<string, unknown>>;

const ANNOTATIONS = new Set(['$schema', '$id', '$defs', 'title', 'description']);

/** A line for each violation: where, and what is wrong. */
export function violationsOf(root: Schema, value: unknown): readonly string[] {
  return check(root, root, value, '$');
}

function check(root: Schema, schema: Schema, value: unknown, at: string): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, wanted]): readonly string[] => {
    if (ANNOTATIONS.has(keyword)) return [];
    const wrong = (holds: boolean): readonly string[] =>
      holds ? [] : [`${at}: not ${keyword} ${JSON.stringify(wanted)}`];
    switch (keyword) {
      case 'type':
        return wrong(isOf(String(wanted), value));
      case 'const':
        return wrong(value === wanted);
      case 'enum':
        return wrong((wanted as readonly unknown[]).includes(value));
      case 'minimum':
        return wrong(typeof value !== 'number' || value >= Number(wanted));
      case 'pattern':
        return wrong(typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value));
      case 'required':
        return wrong((wanted as readonly string[]).every((name) => name in Object(value)));
      case 'properties':
        return Object.entries(wanted as Readonly<Record<string, Schema>>).flatMap(([name, inner]) =>
          name in Object(value) ? check(root, inner, (value as Schema)[name], `${at}.${name}`) : [],
        );
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, index) => check(root, wanted as Schema, item, `${at}[${index}]`))
          : [];
      case 'anyOf': {
        const each = (wanted as readonly Schema[]).map((inner) => check(root, inner, value, at));
        return each.some((found) => found.length === 0) ? [] : each.flat();
      }
      case '$ref': {
        const name = String(wanted).replace('#/$defs/', '');
        const definitions = root['$defs'] as Readonly<Record<string, Schema>>;
        return check(root, definitions[name]!, value, at);
      }
      default:
        throw new Error(`${at}: the keyword ${keyword} is not checked here`);
    }
  });
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
