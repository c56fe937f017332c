import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { drawTable, fit } from '../../demo/draw-table.ts';
import { Lags } from '../../demo/lags.ts';
import type { Picture, ShownPicture } from '../../demo/picture.ts';
import { layOut } from '../../demo/screen.ts';
import { shelf } from '../../demo/shelf.ts';

const [first, second] = shelf;
const sku = first?.sku ?? '';

function pictureOf(shown: Partial<ShownPicture>): Picture {
  const level = {
    storeId: 'warehouse',
    sku,
    onHand: 12,
    available: 9,
    version: 3,
    updatedAt: '2026-11-21T10:00:00.000Z',
  };
  const all = { quantity: 9, isRight: true, isWaiting: false, lagMs: 40, version: 3, ...shown };
  const vendor = {
    kind: 'shopify',
    storeId: 'warehouse',
    status: 'active',
    circuit: 'closed',
    shown: new Map([[sku, all]]),
    wrong: [],
    waiting: [],
  };
  return { levels: new Map([[`warehouse ${sku}`, level]]), vendors: [vendor] };
}

test('a row has what a store has, what the vendor shows, and how long that took', () => {
  const lines = drawTable(pictureOf({}), 100).map(stripVTControlCharacters);
  const [stores, head, row, other] = lines.map((line) => line.trim().split(/\s\s+/));
  expect(stores).toEqual(['warehouse |', 'shop']);
  expect(head).toEqual(['SKU', 'on hand', 'avail', 'shopify | on hand', 'avail', 'lag']);
  expect(row).toEqual([sku, first?.name, '12', '9', '9 |', '-', '-', '40 ms']);
  expect(other?.slice(0, 2)).toEqual([second?.sku, second?.name]);
  const narrow = drawTable(pictureOf({}), 70).map(stripVTControlCharacters)[2];
  expect(narrow?.split(/\s\s+/)).toEqual([sku, '12', '9', '9 |', '-', '-', '40 ms']);
});

test('what does not fit the window is left out, what happens last', () => {
  const view = { places: ['P', 'Q'], table: ['T', '1', '2', '3'], foot: ['F', 'G'] };
  expect(layOut(view, 10)).toEqual(['P', 'Q', '', 'T', '1', '2', '3', '', 'F', 'G']);
  expect(layOut(view, 9)).toEqual(['T', '1', '2', '3', 'F', 'G']);
  expect(layOut(view, 5)).toEqual(['T', '1', '… 2 more', 'F', 'G']);
  expect(fit('\u001b[32mgreen\u001b[39m', 5)).toBe('\u001b[32mgreen\u001b[39m');
  expect(fit('\u001b[32mgreen\u001b[39m', 4)).toBe('gree');
});

test('each version counts once, when it is there, and the opening stock not at all', () => {
  const lags = new Lags();
  lags.take(pictureOf({ version: 1, lagMs: 5_000 }));
  expect(lags.of('shopify')).toBeUndefined();
  lags.take(pictureOf({ version: 2, isRight: false, lagMs: 300 }));
  expect(lags.of('shopify')).toBeUndefined();
  lags.take(pictureOf({ version: 2, lagMs: 400 }));
  lags.take(pictureOf({ version: 2, lagMs: 400 }));
  lags.take(pictureOf({ version: 3, lagMs: 40 }));
  lags.take(pictureOf({ version: 4, lagMs: null }));
  expect(lags.of('shopify')).toEqual({ p50Ms: 400, p99Ms: 400 });
});
