export type { BatchReport } from './batch.ts';
export { adjustStock, setStock } from './change-stock.ts';
export { levelsChangedAfter, merchantsChangedAfter } from './changed-levels.ts';
export type { ChangedLevels } from './changed-levels.ts';
export { changeTogether } from './change-together.ts';
export type { StockDesk, StockTransaction, TogetherOptions } from './change-together.ts';
export type {
  Answer,
  Command,
  Decision,
  DecisionContext,
  IdempotencyKey,
  LevelChange,
  Loader,
  Outcome,
  Provenance,
  QuantityChange,
  ReservationWrite,
} from './command.ts';
export { guardLevel, stockNotFound, storeNotFound } from './decide.ts';
export type { AdjustRequest, Expectation, Mode, SetRequest } from './decide.ts';
export { dailyDemand } from './demand.ts';
export type { DailyDemand, DemandWindow } from './demand.ts';
export { keepBack, keptUnits } from './keep-back.ts';
export { entriesSince } from './entries-since.ts';
export type { EntriesQuestion, EntriesSince, EntryNote } from './entries-since.ts';
export { entryIdOf, listLedger, parseEntryId, quantityFromColumn } from './ledger.ts';
export type { LedgerEntryView, LedgerFilter } from './ledger.ts';
export {
  adjustableQuantities,
  availableOf,
  effectOnAvailable,
  levelId,
  maxQuantity,
  quantities,
  quantityColumn,
  viewLevel,
} from './level.ts';
export type { AdjustableQuantity, Level, LevelKey, LevelView, Quantity } from './level.ts';
export { laterUnits, type LaterUnits } from './later-units.ts';
export type { LaterQuestion } from './later-units.ts';
export { LevelReader } from './level-reader.ts';
export type { LevelRead } from './level-reader.ts';
export { getLocation, listLocations, putLocation } from './locations.ts';
export type { LocationKind, LocationView } from './locations.ts';
export { levelAsOf } from './level-as-of.ts';
export { snapshotLevels } from './snapshots.ts';
export { archivedBefore, listArchives } from './archive/archives.ts';
export type { LedgerArchive } from './archive/archives.ts';
export { readArchiveFile } from './archive/archive-file.ts';
export { archiveMonth, differenceOf } from './archive/archive-month.ts';
export type { ArchiveOptions } from './archive/archive-month.ts';
export { withArchiveLock } from './archive/archive-lock.ts';
export { archivablePartitions, countEntries, obstacleOf } from './archive/plan-archive.ts';
export { restoreArchive } from './archive/restore-archive.ts';
export { makeLedgerPartitions } from './partitions.ts';
export type { LedgerPartition } from './partitions.ts';
export { countOversold, listLevels, listLevelsAt, listLevelsOfSku } from './queries.ts';
export type { LevelFilter } from './queries.ts';
export { figureNow, takeFigure } from './take-figure.ts';
export type { LedgerEntryTable, LocationTable, StockLevelTable } from './tables.ts';
export { StockWriter } from './writer.ts';
export type { WriterOptions } from './writer.ts';
export { openWriterPool } from './writer-pool.ts';
