import * as product from '../../src/db/index.ts';

// As the product's, but a connection may take as long as a machine that is short of time needs.
const connectTimeoutMs = 60_000;

export function createPool(
  options: product.DatabaseOptions,
): ReturnType<typeof product.createPool> {
  return product.createPool({ ...options, connectTimeoutMs });
}

export function openDatabase(options: product.DatabaseOptions): product.DatabaseHandle {
  return product.openDatabase({ ...options, connectTimeoutMs });
}
