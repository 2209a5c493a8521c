/** What is wrong with a value from outside, in words: the field, what it is, what it should be. */
import type { Check, Violation } from './compiled.js';

/** Null where the value is as the schema says. */
export function complaintOf(check: Check, value: unknown): string | null {
  if (check(value)) return null;
  const [violation] = check.errors ?? [];
  return violation === undefined ? 'it is not as its schema says' : inWords(violation, value);
}

function inWords({ instancePath, keyword, params }: Violation, value: unknown): string {
  const keys = instancePath.split('/').slice(1).map(unescaped);
  const field = nameOf(keys);
  const found = keys.reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>>)[key], value);
  switch (keyword) {
    case 'required':
      return `${nameOf([...keys, String(params['missingProperty'])])} is missing`;
    case 'additionalProperties':
      return `${nameOf([...keys, String(params['additionalProperty'])])} is not known`;
    case 'type':
      return `${field} is ${shown(found)}, not ${[params['type']].flat().map(String).join(' or ')}`;
    case 'const':
      return `${field} is ${shown(found)}, not ${shown(params['allowedValue'])}`;
    case 'enum':
      return `${field} is ${shown(found)}, not one of ${(params['allowedValues'] as readonly unknown[]).map(String).join(', ')}`;
    case 'minimum':
      return `${field} is ${shown(found)}, below ${shown(params['limit'])}`;
    case 'exclusiveMinimum':
      return `${field} is ${shown(found)}, not above ${shown(params['limit'])}`;
    default:
      return `${field} is ${shown(found)}, against ${keyword} of its schema`;
  }
}

/** RFC 6901. */
function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** `entries[3].metrics.ttft`; what is no word is quoted. */
function nameOf(keys: readonly string[]): string {
  if (keys.length === 0) return 'the whole';
  return keys
    .map((key, depth) => {
      if (/^\d+$/.test(key)) return `[${key}]`;
      if (/^[\w-]{1,40}$/.test(key)) return depth === 0 ? key : `.${key}`;
      return `[${shown(key)}]`;
    })
    .join('');
}

const MOST = 40;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
