import type { KubeMetrics } from '../kube/kube-metrics.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';

/** What the runtime tells about itself, on the operator's metrics page. */
export function kubeMetricsOn(metrics: OperatorMetrics): KubeMetrics {
  return {
    requestFinished: ({ verb, resource, status, seconds }) =>
      metrics.requestDuration.observe({ verb, resource, status }, seconds),
    requestThrottled: () => undefined,
    watchRestarted: ({ resource, cause }) => metrics.watchRestarts.inc({ resource, cause }),
    watchEvent: () => undefined,
    relisted: () => undefined,
    listenerFailed: () => undefined,
    queueDepth: ({ queue, depth }) => metrics.queueDepth.set({ queue }, depth),
    queueAdded: ({ queue }) => metrics.queueAdds.inc({ queue }),
    queueRetried: ({ queue }) => metrics.queueRetries.inc({ queue }),
    queueLatency: ({ queue, seconds }) => metrics.queueLatency.observe({ queue }, seconds),
    workDuration: ({ queue, seconds }) => metrics.workDuration.observe({ queue }, seconds),
    reconciled: ({ controller, result }) => metrics.reconciles.inc({ controller, result }),
    leadershipChanged: ({ lease, leading }) => metrics.leading.set({ lease }, leading ? 1 : 0),
    eventRecorded: ({ reason, outcome }) => metrics.events.inc({ reason, outcome }),
  };
}
