import type { Control } from '../control.ts';

/** Promises of reservations: holds, their end, and orders. */
export const reservationControls: readonly Control[] = [
  {
    id: 'expiry-decided',
    promise: 'A hold is free the moment it expires, not only when the sweep has passed.',
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: 'u.location_id, c.now) h) else 0 end,',
        after: 'u.location_id, c.now) h) * 0 else 0 end,',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a hold is free the instant it expires, in reads and in decisions',
  },
  {
    id: 'ended-hold-written',
    promise: 'A hold that has ended stays free when its level is written before the sweep.',
    changes: [
      {
        file: 'src/stock/commit-batch.ts',
        before: "  if (expiredHolds > 0) return '-infinity';\n",
        after: '',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'each hold ends at its own time, whatever is written before the sweep',
  },
  {
    id: 'first-hold',
    promise: 'A level says when its first hold ends, not its last.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: 'Math.min(level.nextHoldEndsMs, expiresAt.getTime())',
        after: 'expiresAt.getTime()',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'each hold ends at its own time, whatever is written before the sweep',
  },
  {
    id: 'expiry-told',
    promise: 'Channels are told of what ended holds have freed, though no sweep has passed.',
    changes: [
      {
        file: 'sql/functions/delivery_read.sql',
        before: 'u.location_id, v_now) h) end,',
        after: 'u.location_id, v_now) h) * 0 end,',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'a hold that has ended counts as free, although no sweep has passed',
  },
  {
    id: 'sweep-once',
    promise: 'A hold is ended when its time is over, and once.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before: '  return hasEnded(reservation, now) ? endHold(lines, -1) : [];',
        after: '  return endHold(lines, -1);',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a sweep that comes too early or too often changes nothing',
  },
  {
    id: 'release-after-expiry',
    promise: 'A hold that has ended cannot be released.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before:
          "  if (statusAt(reservation, now) === 'released') return [];\n" +
          "  if (reservation.status !== 'active' || hasEnded(reservation, now)) {",
        after:
          "  if (statusAt(reservation, now) === 'released') return [];\n" +
          "  if (reservation.status !== 'active') {",
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a hold that has ended is not released, whether the sweep has passed or not',
  },
  {
    id: 'late-commit',
    promise: 'A late commit goes through only where the stock is still free.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before:
          "if (late && (policy === 'never' || guardShort(lines, availableOf) !== undefined)) {",
        after: "if (late && policy === 'never') {",
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a late commit goes through only where the stock is still free (swept: %s)',
  },
  {
    id: 'late-commit-policy',
    promise: 'Where the policy says so, no commit is late.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before:
          "if (late && (policy === 'never' || guardShort(lines, availableOf) !== undefined)) {",
        after: 'if (late && guardShort(lines, availableOf) !== undefined) {',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a late commit goes through only where the stock is still free (swept: %s)',
  },
  {
    id: 'commit-repeated',
    promise: 'A commit that is repeated changes nothing.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before: "  if (reservation.status === 'committed') return [];\n",
        after: '',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'many moves of one reservation at once: one wins, the rest see what it did',
  },
  {
    id: 'extended-hold',
    promise: 'An extended hold holds until its new end.',
    changes: [
      {
        file: 'sql/functions/stock_commit_reservations.sql',
        before:
          "    set held_until = case when moved.status = 'active' then moved.expires_at end\n",
        after: '    set held_until = l.held_until\n',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'an extension lasts from now on, and an ended hold cannot be extended',
  },
  {
    id: 'same-sku-twice',
    promise: 'Lines of the same SKU are added up before they are decided.',
    changes: [
      {
        file: 'src/reservations/reservation.ts',
        before: '(sums.get(id)?.quantity ?? 0) + line.quantity',
        after: 'line.quantity',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a reservation holds all lines or none, and the same SKU twice is added up',
  },
  {
    id: 'order-once',
    promise: 'An order is confirmed once.',
    changes: [
      {
        file: 'src/reservations/holds-of-order.ts',
        before:
          "  const sold = withStatus(own, 'committed', now);\n" +
          "  const live = withStatus(own, 'active', now);\n" +
          '  const ended =',
        after:
          '  const sold: Reservation[] = [];\n' +
          "  const live = withStatus(own, 'active', now);\n" +
          '  const ended =',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a confirmed order commits its reservation, or takes its lines, and only once',
  },
  {
    id: 'cancelled-order',
    promise: 'A cancelled order stays cancelled.',
    changes: [
      {
        file: 'src/reservations/order-events.ts',
        before:
          '    if (named === undefined ? isCancelled(own, context.now) : ' +
          "named.status === 'returned') {\n",
        after: "    if (named?.status === 'returned') {\n",
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'a cancelled order gives back what it held or took, once, and stays cancelled',
  },
  {
    id: 'order-of-a-hold',
    promise: 'An order that was confirmed with a hold is known by its own name.',
    changes: [
      {
        file: 'src/reservations/order-events.ts',
        before: '      one.orderId = orderId;\n',
        after: '',
      },
    ],
    test: 'test/reservations/order-of-hold.test.ts',
    name: 'a hold without an order becomes that of the order confirmed with it',
  },
  {
    id: 'order-once-in-a-batch',
    promise: 'An order is confirmed once, also by two events of one batch.',
    changes: [
      {
        file: 'src/reservations/order-events.ts',
        before: "      if (!('code' in taken)) reservations.push(taken.reservation);\n",
        after: '',
      },
    ],
    test: 'test/reservations/order-of-hold.test.ts',
    name: 'an order confirmed several times in one batch is taken once',
  },
  {
    id: 'each-hold-of-an-order',
    promise: 'A level that several holds of one order have to do with changes once.',
    changes: [
      {
        file: 'src/reservations/move-together.ts',
        before: 'const draft = drafts.get(level) ?? { ...level };',
        after: 'const draft = { ...level };',
      },
    ],
    test: 'test/reservations/holds-of-order.test.ts',
    name: 'an order with several holds is confirmed with all of them, each level once',
  },
];
