import { z } from '@hono/zod-openapi';
import { refuse } from '../../errors.ts';
import type { Metrics } from '../../monitoring/index.ts';
import { adjustableQuantities, type LevelView, type Outcome } from '../../stock/index.ts';
import {
  count,
  delta,
  idempotencyKey,
  occurredAt,
  queryFlag,
  sku,
  storeId,
  text,
  version,
} from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json, type Reply } from '../reply.ts';
import { adjustCommand, setCommand } from '../stock-commands.ts';
import { mutationResultView } from '../views.ts';

const shared = {
  id: idempotencyKey,
  storeId,
  sku,
  reason: text.optional(),
  reference: text.optional(),
  sourceChannel: text.optional(),
  expectedVersion: version.optional(),
  occurredAt: occurredAt.optional(),
};

const mutation = z.discriminatedUnion('type', [
  z.strictObject({
    ...shared,
    type: z.literal('adjust'),
    delta,
    quantity: z.enum(adjustableQuantities).default('onHand'),
    mode: z.enum(['guarded', 'fact']).default('guarded'),
  }),
  z.strictObject({
    ...shared,
    type: z.literal('set'),
    onHand: count,
    quantity: z.literal('onHand').optional(),
    mode: z.literal('fact').optional(),
  }),
]);

type Mutation = z.output<typeof mutation>;

const results = z.strictObject({ results: z.array(mutationResultView) });

export const applyMutations = defineOperation({
  method: 'post',
  path: '/api/mutations',
  tag: 'Stock',
  summary: 'Apply up to 2,000 changes of stock',
  description:
    "Each mutation's id is its idempotency key. With atomic: true all are applied or none. " +
    'With dryRun=true the answer is the same and nothing changes.',
  access: 'member',
  changes: true,
  idempotency: 'claim',
  query: { dryRun: queryFlag.optional() },
  body: z.strictObject({
    atomic: z.boolean().default(false),
    mutations: z.array(mutation).max(2000),
  }),
  responses: {
    200: { description: 'What became of each, in the order given', schema: results },
  },
  refusals: ['MUTATIONS.REJECTED', 'STOCK.BUSY'],
  // A request may bear the name of one of its own mutations; both are then remembered apart.
  claimKey(key, { query, body }) {
    if (query.dryRun === true) return undefined;
    return body.mutations.some(({ id }) => id === key) ? `mutations\u001f${key}` : key;
  },
  async handle({ caller, query, body: { atomic, mutations }, services: { writer, metrics } }) {
    const commands = mutations.map((one: Mutation) => {
      const request = { caller, idempotencyKey: one.id };
      return one.type === 'adjust' ? adjustCommand(request, one) : setCommand(request, one);
    });
    if (commands.length === 0) return json(200, { results: [] });
    if (query.dryRun === true) {
      return replyOf(mutations, await writer.preview(commands, atomic), atomic);
    }
    const outcomes = await writer.submit(commands, atomic);
    countOutcomes(metrics, outcomes);
    return replyOf(mutations, outcomes, atomic);
  },
});

/** These befall the whole request, which is counted as refused itself. */
const ofRequest = new Set(['STOCK.BUSY', 'MUTATIONS.NOT_APPLIED']);

/** Counts each mutation as the request of its own that it could have been. */
function countOutcomes(metrics: Metrics, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    if (outcome.kind === 'replayed') metrics.countReplay();
    else if (outcome.kind === 'refused' && !ofRequest.has(outcome.refusal.code)) {
      metrics.countRefusal(outcome.refusal.code);
    }
  }
}

/** Refusals: STOCK.BUSY (none could be committed), MUTATIONS.REJECTED (atomic). */
function replyOf(
  mutations: readonly Mutation[],
  outcomes: readonly Outcome[],
  atomic: boolean,
): Reply {
  const [first] = outcomes;
  // The mutations of a request are committed together, so one that was too late tells of all.
  if (first?.kind === 'refused' && first.refusal.code === 'STOCK.BUSY') return first.refusal;
  const list = outcomes.map((outcome, index) => resultOf(mutations[index]?.id ?? '', outcome));
  if (atomic && outcomes.some(({ kind }) => kind === 'refused')) {
    const detail = 'At least one mutation was refused, so none was applied.';
    return refuse('MUTATIONS.REJECTED', detail, { results: list });
  }
  return json(200, { results: list });
}

function resultOf(id: string, outcome: Outcome) {
  if (outcome.kind === 'refused') {
    const { code, detail } = outcome.refusal;
    return { id, status: 'rejected', code, detail };
  }
  const level = JSON.parse(outcome.answer.body) as Partial<LevelView>;
  return { id, status: outcome.kind, version: level.version, available: level.available };
}
