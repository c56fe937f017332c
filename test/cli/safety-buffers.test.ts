import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBuffersRig, type BuffersRig } from '../safety-stock/rig.ts';
import { count } from '../support/stock.ts';
import { run } from './run.ts';

let rig: BuffersRig;
beforeAll(async () => {
  rig = await openBuffersRig();
});
afterAll(() => rig.close());

const onhand = (...args: string[]) => run(rig.connectionString, ['safety-buffers', ...args]);

test('rules are set, applied, listed and taken away from the command line', async () => {
  await rig.writer.submitOne(count('cup', 20));
  const rule = ['--sku', 'cup', '--store', 'main'];
  expect(await onhand('set', ...rule, '--strategy', 'dynamic', '--percentage', '25')).toMatchObject(
    { code: 0, stderr: '' },
  );
  expect(await onhand('recompute')).toMatchObject({ code: 0, stdout: '1 of 1 levels changed\n' });
  expect(await rig.kept('cup')).toBe(5);
  expect((await onhand('list')).stdout).toMatch(/cup +- +main +dynamic +- +25/);
  expect(await onhand('delete', ...rule)).toMatchObject({ code: 0 });
  expect(JSON.parse((await onhand('recompute', '--json')).stdout)).toEqual({
    levels: 1,
    changed: 1,
  });
  expect(await rig.kept('cup')).toBe(0);
  expect(await onhand('list')).toMatchObject({ code: 0, stdout: 'no rules\n' });
  expect(await onhand('delete', ...rule)).toMatchObject({ code: 2, stdout: '' });
  const both = ['--sku', 'cup', '--category', 'cups'];
  expect(await onhand('set', ...both, '--strategy', 'static')).toMatchObject({ code: 2 });
  expect(await onhand('set', '--strategy', 'gut')).toMatchObject({ code: 2 });
});
