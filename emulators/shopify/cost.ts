import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { shopifySchema } from './schema.ts';
import type { ShopState } from './state.ts';

type Variables = Readonly<Record<string, unknown>>;

/** A mutation's base price. */
export const mutationCost = 10;
/** The most that one call may ask for. */
export const highestCost = 1_000;

/**
 * What a call has to be able to pay, by Shopify's published rules: objects 1, scalars nothing, a
 * connection 2 and each object it may return, a list of ids each of them, a mutation 10 more.
 */
export function requestedCost(operation: OperationDefinitionNode, variables: Variables): number {
  const root = shopifySchema().getRootType(operation.operation);
  const base = operation.operation === 'mutation' ? mutationCost - 1 : 0;
  const cost = costOfSelection(operation.selectionSet, root ?? undefined, variables);
  return base + cost;
}

function costOfSelection(
  selectionSet: SelectionSetNode | undefined,
  type: GraphQLNamedType | undefined,
  variables: Variables,
): number {
  let cost = 0;
  for (const selection of selectionSet?.selections ?? []) {
    if (selection.kind === 'InlineFragment') {
      const name = selection.typeCondition?.name.value;
      const narrowed = name === undefined ? type : shopifySchema().getType(name);
      cost += costOfSelection(selection.selectionSet, narrowed, variables);
    } else if (selection.kind === 'Field') {
      const field = fieldOf(type, selection.name.value);
      if (field !== undefined) cost += costOfField(selection, field, variables);
    }
  }
  return cost;
}

function fieldOf(
  type: GraphQLNamedType | undefined,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function costOfField(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  variables: Variables,
): number {
  const type = getNamedType(field.type);
  if (!isCompositeType(type) || type.name === 'PageInfo') return 0;
  const inner = costOfSelection(node.selectionSet, type, variables);
  const given = literalArguments(node, variables);
  if (type.name.endsWith('Connection')) {
    // `nodes` inside counts as one object.
    return 2 + Number(given['first'] ?? given['last'] ?? 1) * inner;
  }
  const { ids } = given;
  return (Array.isArray(ids) ? ids.length : 1) * (1 + inner);
}

function literalArguments(node: FieldNode, variables: Variables): Variables {
  return Object.fromEntries(
    (node.arguments ?? []).map(({ name, value }) => {
      if (value.kind === 'Variable') return [name.value, variables[value.name.value]];
      return [name.value, 'value' in value ? value.value : undefined];
    }),
  );
}

export type CostAnswer = {
  readonly requestedQueryCost: number;
  readonly actualQueryCost: number | null;
  readonly throttleStatus: {
    readonly maximumAvailable: number;
    readonly currentlyAvailable: number;
    readonly restoreRate: number;
  };
};

/** Lets what has been restored by now flow into the bucket. */
export function restore({ bucket }: ShopState, now: number): void {
  const restored = (Math.max(now - bucket.at, 0) * bucket.restoreRate) / 1_000;
  bucket.level = Math.min(bucket.level + restored, bucket.capacity);
  bucket.at = now;
}

export function costAnswer(
  { bucket }: ShopState,
  requestedQueryCost: number,
  actualQueryCost: number | null,
): CostAnswer {
  return {
    requestedQueryCost,
    actualQueryCost,
    throttleStatus: {
      maximumAvailable: bucket.capacity,
      currentlyAvailable: Math.floor(bucket.level),
      restoreRate: bucket.restoreRate,
    },
  };
}
