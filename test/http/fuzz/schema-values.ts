import fc from 'fast-check';
import { hostileJson } from './hostile-values.ts';

/** What the API's description uses of JSON Schema for requests. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly default?: unknown;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
};

/** Stands for the id of something that is there; the world of the run puts it in. */
export const placeholder = (name: string): string => `{{${name}}}`;

/** What has an id in the world of a run. */
export const knownNames = [
  'merchantId',
  'storeId',
  'sku',
  'reservationId',
  'orderId',
  'channelId',
  'keyId',
  'deliveryId',
  'sourceId',
  'quarantineId',
  'webhookId',
  'lineId',
  'driftId',
  'reconciliationId',
] as const;

const known = new Set<string>(knownNames);

/** Whether the worlds have something of that name. */
export const isKnownName = (name: string): boolean => known.has(name);

/** Values that a schema allows. @param name of the member or parameter that has the value */
export function validValue(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  const plain = plainValue(schema, name);
  if (schema.example === undefined) return plain;
  return fc.oneof({ weight: 2, arbitrary: fc.constant(schema.example) }, plain);
}

function plainValue(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const union = schema.oneOf ?? schema.anyOf;
  if (union !== undefined) return fc.oneof(...union.map((one) => validValue(one, name)));
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['any']);
  return fc.oneof(...types.map((type) => valueOfType(type, schema, name)));
}

function valueOfType(type: string, schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (type === 'string') return textValue(schema, name);
  if (type === 'integer') return integerValue(schema);
  if (type === 'number') {
    const { minimum: min = -1e9, maximum: max = 1e9 } = schema;
    return fc.double({ min, max, noNaN: true });
  }
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') {
    const { items = {}, minItems: minLength = 0, maxItems = 3 } = schema;
    return fc.array(validValue(items, name === 'ids' ? 'deliveryId' : ''), {
      minLength,
      maxLength: Math.min(maxItems, minLength + 3),
    });
  }
  if (type === 'object') return objectValue(schema);
  return hostileJson;
}

function textValue(schema: Schema, name: string): fc.Arbitrary<string> {
  const { format, minLength = 0, maxLength = 40 } = schema;
  if (format === 'date-time') return times;
  const any = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 20) });
  const longest = fc.constant('x'.repeat(maxLength));
  const free = fc.oneof({ weight: 5, arbitrary: any }, { weight: 1, arbitrary: longest });
  if (!isKnownName(name)) return free;
  const there = fc.constant(placeholder(name));
  return fc.oneof({ weight: 8, arbitrary: there }, { weight: 1, arbitrary: free });
}

const past = fc.date({
  min: new Date('1970-01-01T00:00:00Z'),
  max: new Date('2026-01-01T00:00:00Z'),
  noInvalidDate: true,
});
const times = fc
  .oneof({ weight: 3, arbitrary: past }, fc.constant(new Date('2999-01-01T00:00:00Z')))
  .map((date) => date.toISOString());

function integerValue({ minimum = -1_000_000, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  const small = { min: Math.max(minimum, -5), max: Math.min(maximum, Math.max(minimum, 0) + 5) };
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer(small) },
    { weight: 1, arbitrary: fc.integer({ min: minimum, max: maximum }) },
    { weight: 1, arbitrary: fc.constantFrom(minimum, maximum) },
  );
}

function objectValue(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties = false } = schema;
  const members = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([member, inner]) => [member, validValue(inner, member)]),
    ),
    { requiredKeys: [...required], noNullPrototype: true },
  );
  if (additionalProperties === false || additionalProperties === true) return members;
  const more = fc.dictionary(
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 10 }),
    validValue(additionalProperties),
    { maxKeys: 3, noNullPrototype: true },
  );
  return fc.tuple(more, members).map(([extra, own]) => ({ ...extra, ...own }));
}
