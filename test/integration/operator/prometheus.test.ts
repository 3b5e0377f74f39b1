import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { buildTools, toolPath } from '../../../deploy/dev/build.ts';
import { reportNothing } from '../../../deploy/dev/progress.ts';
import { PrometheusClient } from '../../../src/adapters/prometheus/client.ts';
import { PrometheusTrainerMetrics } from '../../../src/adapters/prometheus/trainer-metrics-source.ts';
import { showFleet } from '../../../src/operator/fleet-metrics.ts';
import { OperatorMetrics } from '../../../src/telemetry/operator-metrics.ts';
import { describeMetricsSource } from '../../conformance/metrics-source.ts';
import { ago } from '../../support/a-job-view.ts';
import { aGpuPool, aTrainingJob } from '../../support/a-training-job.ts';
import { type RealPrometheus, startRealPrometheus } from './real-prometheus.ts';

describe('a real Prometheus', function () {
  // A machine that has not built it yet does so here.
  this.timeout(900_000);
  let prometheus: RealPrometheus;

  before(async () => {
    prometheus = await startRealPrometheus();
  });
  after(() => prometheus?.close());

  describeMetricsSource('Prometheus', async () => ({
    source: new PrometheusTrainerMetrics(new PrometheusClient({ url: prometheus.url, timeoutSeconds: 5 })),
    show: (jobs) => prometheus.show(jobs),
  }));

  it('has nothing to say against the metrics of the operator', async () => {
    await buildTools(['promtool'], reportNothing);
    const metrics = new OperatorMetrics();
    const condition = {
      type: 'Running',
      status: 'True' as const,
      reason: 'Training',
      message: '',
      lastTransitionTime: ago(1),
    };
    const job = aTrainingJob({
      status: {
        state: 'Running',
        replicas: 2,
        progress: { percent: 4, samplesPerSecond: '9' },
        eta: { seconds: 5 },
        cost: { currency: 'USD', accrued: '1', ratePerHour: '2', toTarget: { value: '3' } },
        conditions: [condition],
      },
    });
    showFleet(metrics, [job], [aGpuPool({ status: { nodes: { ready: 1 }, gpus: { total: 2 } } })]);
    const input = await metrics.registry.metrics();
    const { stdout, stderr, status } = spawnSync(toolPath('promtool'), ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`.trim()).to.equal('');
    expect(status).to.equal(0);
  });
});
