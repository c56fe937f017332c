import type { Logger } from '../logger.ts';
import type { Metrics } from '../monitoring/index.ts';
import type { ReconciliationEvents } from '../reconciliation/index.ts';
import { channelLabel } from './report-events.ts';

/** What reconciliation finds, as metrics; what somebody has to look at, as log lines. */
export function reportReconciliation(metrics: Metrics, logger: Logger): ReconciliationEvents {
  return {
    onAlert(alert) {
      const { merchantId, channelId, sourceId } = alert;
      const place = channelLabel({ merchantId, channelId: channelId ?? sourceId ?? '' });
      metrics.countDriftAlert(place);
      logger.error(alert, 'drift reaches the threshold: approve or ignore it');
    },
    onFinished(run) {
      metrics.countReconciliation(run.failed > 0 ? 'incomplete' : 'complete', run);
      if (run.violations > 0) logger.error(run, 'the ledger does not add up: audit verify');
      else if (run.failed > 0) logger.warn(run, 'a reconciliation could not read everything');
      else logger.info(run, 'a reconciliation ended');
    },
  };
}
