import { expect } from 'chai';
import { showFleet } from '../../../src/operator/fleet-metrics.ts';
import { OperatorMetrics } from '../../../src/telemetry/operator-metrics.ts';
import { ago } from '../../support/a-job-view.ts';
import { aGpuPool, aTrainingJob } from '../../support/a-training-job.ts';

describe('the fleet on the metrics page', () => {
  const metrics = new OperatorMetrics();
  const show = async (...[jobs, pools]: [Parameters<typeof showFleet>[1], Parameters<typeof showFleet>[2]]) => {
    showFleet(metrics, jobs, pools);
    const page = await metrics.registry.metrics();
    return page.split('\n').filter((line) => /^stepwise_(training_job|pool)_/.test(line));
  };
  const condition = {
    type: 'Running',
    status: 'False' as const,
    reason: 'Starting',
    message: '',
    lastTransitionTime: ago(1),
  };

  it('has no series of what is unknown', async () => {
    expect(await show([aTrainingJob()], [aGpuPool()])).to.deep.equal([]);
  });

  it('shows what is known, in the units of the names', async () => {
    const job = aTrainingJob({
      status: {
        state: 'Running',
        replicas: 2,
        progress: { percent: 42 },
        cost: { currency: 'EUR', accrued: '1.5', toTarget: { value: '9' } },
        conditions: [condition],
      },
    });
    const lines = await show([job], [aGpuPool({ status: { nodes: { ready: 0 } } })]);
    const labels = 'namespace="team",name="bert"';
    expect(lines).to.have.members([
      `stepwise_training_job_state{${labels},state="Running"} 1`,
      `stepwise_training_job_workers{${labels},kind="desired"} 2`,
      `stepwise_training_job_progress_ratio{${labels}} 0.42`,
      `stepwise_training_job_cost_accrued{${labels},currency="EUR"} 1.5`,
      `stepwise_training_job_cost_to_target{${labels},currency="EUR",bound="value"} 9`,
      `stepwise_training_job_condition{${labels},type="Running",status="True"} 0`,
      `stepwise_training_job_condition{${labels},type="Running",status="False"} 1`,
      `stepwise_training_job_condition{${labels},type="Running",status="Unknown"} 0`,
      'stepwise_pool_nodes{pool="t4",kind="ready"} 0',
    ]);
  });

  it('forgets jobs and pools that are gone', async () => {
    await show([aTrainingJob({ status: { replicas: 2 } })], [aGpuPool({ status: { nodes: { ready: 1 } } })]);
    expect(await show([], [])).to.deep.equal([]);
  });
});
