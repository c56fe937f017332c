import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import type { Description, Route } from './description.ts';
import type { WireAnswer } from './wire.ts';

/** Says what is wrong with an answer: nothing where it keeps to the API's description. */
export type Contract = (route: Route, answer: WireAnswer) => readonly string[];

/** Judges answers by an OpenAPI 3.1 document, whose schemas are JSON Schema 2020-12. */
export function readContract(description: Description): Contract {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  // The package's types do not know that its CommonJS export is the function itself.
  (addFormatsModule as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addSchema(description, 'description');
  return ({ method, path, described }, answer) => {
    const status = String(answer.status);
    const response = described.responses[status];
    if (response === undefined) return [`the status ${status} is not described`];
    const given = String(answer.headers['content-type'] ?? '').split(';')[0] ?? '';
    const { content } = response;
    if (content === undefined) return answer.text === '' ? [] : ['a body that is not described'];
    const type = Object.keys(content).find(
      (known) => known === '*/*' || known.split(';')[0] === given,
    );
    if (type === undefined) return [`the content type ${given} is not described`];
    if (!given.includes('json')) return [];
    const pointer = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type];
    const validate = ajv.getSchema(`description#/${[...pointer, 'schema'].map(escape).join('/')}`);
    if (validate === undefined) return ['the description has no schema for it'];
    const body: unknown = JSON.parse(answer.text);
    if (!validate(body)) {
      return (validate.errors ?? []).map(({ instancePath: at, message }) => `${at} ${message}`);
    }
    return given === 'application/problem+json'
      ? problemsOf(body, response.description, answer)
      : [];
  };
}

/** What a problem document says beside its schema. */
function problemsOf(body: unknown, described: string, answer: WireAnswer): readonly string[] {
  const { status, code, requestId } = body as Readonly<Record<string, unknown>>;
  return [
    ...(status === answer.status ? [] : ['its body has another status']),
    ...(described.split(', ').includes(String(code))
      ? []
      : [`the code ${String(code)} is not described`]),
    ...(requestId === answer.headers['x-request-id'] ? [] : ['its body has another request id']),
  ];
}

/** A step of a JSON pointer, in a URL. */
function escape(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}
