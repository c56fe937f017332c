import type { Logger } from '../logger.ts';
import { defaultMerchantId } from '../merchants/index.ts';
import type { Metrics } from '../monitoring/index.ts';
import type { DeliveryEvents } from './events.ts';

/** Two merchants may use the same channel id. */
export function channelLabel(channel: {
  readonly merchantId: string;
  readonly channelId: string;
}): string {
  const { merchantId, channelId } = channel;
  return merchantId === defaultMerchantId ? channelId : `${merchantId}/${channelId}`;
}

/** What happens to deliveries, as metrics; what an operator has to know, as log lines. */
export function reportEvents(metrics: Metrics, logger: Logger): DeliveryEvents {
  return {
    onAttempt(event) {
      metrics.countDelivery(channelLabel(event), event.outcome);
      if (event.lagMs !== null) metrics.observeLag(channelLabel(event), event.lagMs);
    },
    onDead(event) {
      metrics.countDelivery(channelLabel(event), 'dead');
      logger.error(event, 'a delivery was given up: redrive it when the channel is well');
    },
    onThrottled(event) {
      metrics.countDelivery(channelLabel(event), 'throttled');
      logger.debug(event, 'a channel wants us to be slower');
    },
    onWaiting(event) {
      metrics.countDelivery(channelLabel(event), 'waiting');
      logger.info(event, 'listings wait: they were revised too often today');
    },
    onDrift(event) {
      metrics.countDrift(channelLabel(event));
      logger.warn(event, 'a channel shows another figure than it was told');
    },
    onCircuit(event) {
      const level = event.state === 'open' ? 'warn' : 'info';
      logger[level](event, 'the circuit of a channel changed');
    },
    onPaused: (event) => logger.warn(event, 'a channel was paused'),
    onRecovered: (event) => logger.warn(event, 'listings that nobody worked on were queued again'),
  };
}
