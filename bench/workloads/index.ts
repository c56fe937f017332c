import type { Workload } from '../report/row.ts';
import { adjustMany } from './adjust-many.ts';
import { adjustOne, adjustOneNaive } from './adjust-one.ts';
import { adjustZipf } from './adjust-zipf.ts';
import { backlog } from './backlog.ts';
import { deadVendor } from './dead-vendor.ts';
import { getLevel } from './get-level.ts';
import { history } from './history.ts';
import { loneClient } from './lone-client.ts';
import { mutations } from './mutations.ts';
import { reserve } from './reserve.ts';
import { soak } from './soak.ts';
import { sourcePage } from './source-page.ts';
import { sourceSnapshot } from './source-snapshot.ts';
import { syncLag } from './sync-lag.ts';

/** The rows, in the order of the table. */
export const workloads: readonly Workload[] = [
  adjustMany,
  adjustOne,
  adjustOneNaive,
  adjustZipf,
  reserve,
  mutations,
  loneClient,
  getLevel,
  syncLag,
  deadVendor,
  backlog,
  history,
  sourcePage,
  sourceSnapshot,
  soak,
];
