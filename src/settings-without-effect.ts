/** Settings that are read and checked and that nothing is done with yet, by their place. */
export const settingsWithoutEffect = [
  'inventory_sync.propagation.max_latency_ms',
  'inventory_sync.ai_freshness.max_staleness_seconds',
  'inventory_sync.ai_freshness.min_confidence_score',
  'inventory_sync.ai_freshness.heartbeat_seconds',
  'inventory_sync.monitoring.p99_lag_alert_ms',
  'inventory_sync.monitoring.oversell_threshold',
  'inventory_sync.monitoring.metrics_interval_s',
  'inventory_sync.monitoring.alerting.channels',
  'server.concurrency_api',
  'locks.enabled',
  'locks.ttl_ms',
  'locks.renew_ms',
  'locks.reject_status',
  'locks.retry_after_ms',
] as const;

/**
 * Those of them that somebody has changed, so that the start can say it: a setting that is taken
 * in silence is believed in.
 * @param given all settings, by the names of the file
 * @param defaults the same where nothing is given
 */
export function changedWithoutEffect(given: unknown, defaults: unknown): readonly string[] {
  return settingsWithoutEffect.filter(
    (path) => JSON.stringify(valueAt(given, path)) !== JSON.stringify(valueAt(defaults, path)),
  );
}

function valueAt(settings: unknown, path: string): unknown {
  let value = settings;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
}
