import type { Schema } from './schema-values.ts';

export type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
};

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** What the API's description says of an operation. */
export type Described = {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  /** The description of a refusal names the codes that it can have. */
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
};

export type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};

/** One operation of the description. */
export type Route = {
  /** `POST /api/mutations` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly described: Described;
};

/** Every operation of a description. */
export function routesOf(description: Description): readonly Route[] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const upper = method.toUpperCase();
      return { name: `${upper} ${path}`, method: upper, path, described };
    }),
  );
}
