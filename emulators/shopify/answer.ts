import {
  executeSync,
  getVariableValues,
  GraphQLError,
  parse,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type OperationDefinitionNode,
} from 'graphql';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { costAnswer, highestCost, mutationCost, requestedCost, restore } from './cost.ts';
import { queryRoot } from './queries.ts';
import { shopifySchema } from './schema.ts';
import { setQuantities } from './set-quantities.ts';
import type { ShopState } from './state.ts';

export type AnswerOptions = {
  /** The shop's clock, in ms: the bucket fills by it, and keys are forgotten by it. */
  readonly now: () => number;
  /** How long a key is known. Shopify does not say; a day by default. */
  readonly keysLastMs?: number;
};

const day = 86_400_000;
/** No array of the input may be longer. */
const longestArray = 250;
const route = /^\/admin\/api\/(20\d{2}-\d{2})\/graphql\.json$/;

/** Answers one request as Shopify's Admin API does, by its schema and by what that does not say. */
export function answer(
  request: EmulatedRequest,
  state: ShopState,
  options: AnswerOptions,
): EmulatedAnswer {
  if (request.method !== 'POST' || !route.test(request.path)) {
    return { status: 404, body: { errors: 'Not Found' } };
  }
  if (state.standing === 'frozen') return { status: 402, body: { errors: 'Unavailable Shop' } };
  if (state.standing === 'locked') return { status: 423, body: { errors: 'Locked' } };
  if (!state.accessTokens.includes(request.headers['x-shopify-access-token'] ?? '')) {
    const errors = '[API] Invalid API key or access token (unrecognized login or wrong password)';
    return { status: 401, body: { errors } };
  }
  const { query, variables = {} } = JSON.parse(request.body) as {
    query: string;
    variables?: Record<string, unknown>;
  };
  const prepared = prepare(query, variables);
  if (Array.isArray(prepared)) return { status: 200, body: { errors: prepared } };
  return { status: 200, body: execute(prepared, variables, state, options) };
}

type Prepared = { readonly document: DocumentNode; readonly operation: OperationDefinitionNode };

/** The checks that cost nothing: a call that fails them is not worked. */
function prepare(query: string, variables: Record<string, unknown>): Prepared | GraphQLError[] {
  const schema = shopifySchema();
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return [error as GraphQLError];
  }
  const problems = validate(schema, document);
  if (problems.length > 0) return [...problems];
  const operation = document.definitions.find(({ kind }) => kind === 'OperationDefinition');
  if (operation?.kind !== 'OperationDefinition') return [new GraphQLError('No operation.')];
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (coerced.errors !== undefined) {
    return coerced.errors.map(({ message }) => coded(message, 'INVALID_VARIABLE'));
  }
  const longest = longestOf(variables);
  if (longest <= longestArray) return { document, operation };
  const text = `The input array size of ${longest} is greater than the maximum allowed of 250.`;
  return [coded(text, 'MAX_INPUT_SIZE_EXCEEDED')];
}

function coded(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function longestOf(value: unknown): number {
  if (Array.isArray(value)) return Math.max(value.length, ...value.map(longestOf));
  if (typeof value !== 'object' || value === null) return 0;
  return Math.max(0, ...Object.values(value).map(longestOf));
}

/** Works a call that the bucket can pay. What it asked for and did not need flows back. */
function execute(
  { document, operation }: Prepared,
  variables: Record<string, unknown>,
  state: ShopState,
  options: AnswerOptions,
): unknown {
  const now = options.now();
  restore(state, now);
  const cost = requestedCost(operation, variables);
  if (cost > highestCost) {
    return { errors: [coded(`Query cost is ${cost}, over 1000`, 'MAX_COST_EXCEEDED')] };
  }
  if (cost > state.bucket.level) {
    state.throttled += 1;
    const errors = [coded('Throttled', 'THROTTLED')];
    return { errors, extensions: { cost: costAnswer(state, cost, null) } };
  }
  const isMutation = operation.operation === 'mutation';
  if (isMutation && !state.scopes.includes('write_inventory')) {
    const errors = [coded('Access denied: write_inventory is needed.', 'ACCESS_DENIED')];
    return { errors, data: null, extensions: { cost: costAnswer(state, cost, mutationCost) } };
  }
  const keysLastMs = options.keysLastMs ?? day;
  const result = executeSync({
    schema: shopifySchema(),
    document,
    variableValues: variables,
    rootValue: {
      ...queryRoot(state),
      inventorySetQuantities: (
        args: Parameters<typeof setQuantities>[1],
        _context: unknown,
        info: Parameters<typeof setQuantities>[2],
      ) => setQuantities(state, args, info, { now, keysLastMs }),
    },
  });
  const actual = isMutation && !hasGroup(result) ? mutationCost : cost;
  state.bucket.level -= actual;
  return { ...result, extensions: { cost: costAnswer(state, cost, actual) } };
}

function hasGroup({ data }: ExecutionResult): boolean {
  const payload = data?.['inventorySetQuantities'] as
    { inventoryAdjustmentGroup?: unknown } | null | undefined;
  return (payload?.inventoryAdjustmentGroup ?? null) !== null;
}
