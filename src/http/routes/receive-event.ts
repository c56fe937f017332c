import { z } from '@hono/zod-openapi';
import { defineOperation } from '../operation.ts';
import { cloudEvent, describedEvent } from '../event-data.ts';
import { listingView } from '../channel-views.ts';
import { takeEvent } from '../take-event.ts';
import { levelView, reservationView } from '../views.ts';

export const receiveEvent = defineOperation({
  method: 'post',
  path: '/api/events',
  tag: 'Events',
  summary: 'Take one CloudEvent',
  description:
    'Once for its source and id: a repeat gets the first answer again. Of an order with several ' +
    'holds `order.confirmed` commits the one with these lines, else all that have them ' +
    'together; `order.cancelled` gives all back. The first of them is shown.',
  access: 'member',
  changes: true,
  idempotency: 'claim',
  bodyTypes: ['application/cloudevents+json'],
  body: cloudEvent,
  bodyAsDescribed: describedEvent,
  responses: {
    202: {
      description: 'What it came to',
      schema: z.union([
        z.strictObject({
          type: z.enum(['order.confirmed', 'order.cancelled']),
          outcome: z.enum(['committed', 'taken', 'released', 'returned', 'unchanged']),
          orderId: z.string(),
          reservation: reservationView,
        }),
        z.strictObject({
          type: z.literal('inventory.adjusted'),
          outcome: z.literal('adjusted'),
          level: levelView,
        }),
        z.strictObject({
          type: z.literal('listing.updated'),
          outcome: z.literal('listed'),
          listing: listingView,
        }),
      ]),
    },
  },
  refusals: [
    'EVENT.UNKNOWN_TYPE',
    'STORE.NOT_FOUND',
    'CHANNEL.NOT_FOUND',
    'STOCK.NOT_FOUND',
    'RESERVATION.NOT_FOUND',
    'ORDER.NOT_FOUND',
    'STOCK.INSUFFICIENT',
    'STOCK.OUT_OF_RANGE',
    'RESERVATION.NOT_ACTIVE',
    'RESERVATION.EXPIRED',
    'ORDER.CANCELLED',
    'ORDER.LINES_DIFFER',
    'STOCK.BUSY',
  ],
  handle: ({ services, caller, body }) => takeEvent(services, caller, body),
});
