import type { Control } from '../control.ts';

/** Promises of the edge: what cannot be taken is refused by name. */
export const inputControls: readonly Control[] = [
  {
    id: 'body-limit',
    promise: 'No more of a body is read than the limit allows.',
    changes: [
      {
        file: 'src/http/request-body.ts',
        before: 'if (size > limit) resolve(tooLarge(limit));\n      else ',
        after: '',
      },
    ],
    test: 'test/http/bad-input.test.ts',
    name: 'too much that comes without its length',
  },
  {
    id: 'ids-without-controls',
    promise: 'Ids have no control characters.',
    changes: [{ file: 'src/http/fields.ts', before: '        !control.test(id) &&\n', after: '' }],
    test: 'test/http/bad-input.test.ts',
    name: '%s is refused at %s',
  },
  {
    id: 'texts-without-nul',
    promise: 'A text that Postgres cannot store is refused by name.',
    changes: [
      {
        file: 'src/http/fields.ts',
        before: "isAtMost(value, 255) && !value.includes('\\u0000') && value",
        after: 'isAtMost(value, 255) && value',
      },
    ],
    test: 'test/http/bad-input.test.ts',
    name: '%j is refused at %s',
  },
  {
    id: 'json-that-can-be-stored',
    promise: 'JSON that Postgres cannot store is refused by name.',
    changes: [
      {
        file: 'src/http/fields.ts',
        before:
          "if (typeof value === 'string') return !value.includes('\\u0000') && " +
          'value.isWellFormed();',
        after: "if (typeof value === 'string') return true;",
      },
    ],
    test: 'test/http/bad-input.test.ts',
    name: '%s %s %j is refused at %s',
  },
  {
    id: 'checked-bodies',
    promise: 'A request that does not keep to the contract is refused.',
    changes: [
      {
        file: 'src/http/operation.ts',
        before: 'if (errors.length > 0) return invalid(errors);',
        after: '',
      },
    ],
    test: 'test/http/bad-input.test.ts',
    name: '%j is refused at %s',
  },
  {
    id: 'entity-tags',
    promise: 'An If-Match that is no list of entity tags is refused.',
    changes: [
      {
        file: 'src/http/preconditions.ts',
        before: 'else if (!anyTag.test(tag)) {',
        after: "else if (tag === 'x') {",
      },
    ],
    test: 'test/http/bad-input.test.ts',
    name: '%s: %s is refused',
  },
  {
    id: 'request-ids',
    promise: 'A request id that is not sane is replaced.',
    changes: [
      { file: 'src/http/request-id.ts', before: 'sane.test(given)', after: "given !== ''" },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'another is replaced: %s',
  },
  {
    id: 'cursors',
    promise: 'A cursor of another list is refused.',
    changes: [
      {
        file: 'src/http/cursor.ts',
        before: '    if (result?.success === true) return ok(result.data);',
        after: '    return ok(value as T);',
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'a bad parameter is refused by name: %s',
  },
  {
    id: 'cursors-storable',
    promise: 'A cursor with a text that Postgres cannot store is refused.',
    changes: [
      {
        file: 'src/http/cursor.ts',
        before: 'storable(value) ? schema.safeParse(value) : undefined',
        after: 'schema.safeParse(value)',
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'a cursor that Postgres could not look for is refused: %s %j',
  },
  {
    id: 'queries',
    promise: 'A parameter that is given twice is refused.',
    changes: [
      {
        file: 'src/http/request-text.ts',
        before: 'if (name in query) {',
        after: "if (name === '') {",
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'a bad parameter is refused by name: %s',
  },
  {
    id: 'storable-names',
    promise: 'A name that Postgres cannot store is refused wherever it stands.',
    changes: [
      {
        file: 'src/http/fields.ts',
        before: '!control.test(value) && value.isWellFormed();',
        after: 'value.isWellFormed();',
      },
    ],
    test: 'test/http/fuzz/fuzz.test.ts',
    name: '%s takes the worst values in every place',
  },
];
