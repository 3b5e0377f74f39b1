import type { EnergySourceObject } from '../controllers/kinds.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';

/** Shows the status of all energy sources as metrics, afresh at every scrape: what is unknown has no series. */
export function showEnergySources(metrics: OperatorMetrics, sources: readonly EnergySourceObject[]): void {
  for (const gauge of metrics.energyGauges) gauge.reset();
  for (const { metadata, spec, status } of sources) {
    const source = metadata.name;
    const { current, unit = '', lastReadTime, knownUntil, lastError, expectedGainPercent } = status ?? {};
    if (current !== undefined) metrics.energySignal.set({ source, signal: spec.signal, unit }, Number(current.value));
    if (lastReadTime !== undefined) metrics.energyReadAt.set({ source }, Date.parse(lastReadTime) / 1000);
    if (knownUntil !== undefined) metrics.energyKnownUntil.set({ source }, Date.parse(knownUntil) / 1000);
    if (expectedGainPercent !== undefined) metrics.energyExpectedGain.set({ source }, expectedGainPercent / 100);
    if (status !== undefined) metrics.energyFailures.set({ source }, lastError?.failures ?? 0);
  }
}
