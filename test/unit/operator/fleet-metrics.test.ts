import { expect } from 'chai';
import { showFleet, showPlan } from '../../../src/operator/fleet-metrics.ts';
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

  it('tells how far the forecast of a complete run was off, and of no other', async () => {
    const status = {
      startTime: '2026-01-01T00:00:00Z',
      completionTime: '2026-01-01T01:00:00Z',
      cost: { currency: 'USD', accrued: '10' },
      prediction: { madeAt: ago(1), source: 'Family' as const, cost: { value: '12' }, seconds: { value: '2700' } },
    };
    const errorsOf = async (type: 'Complete' | 'Failed') => {
      showFleet(
        metrics,
        [aTrainingJob({ status: { ...status, conditions: [{ ...condition, type, status: 'True' }] } })],
        [],
      );
      const page = await metrics.registry.metrics();
      return page.split('\n').filter((line) => line.startsWith('stepwise_prediction_relative_error{'));
    };
    expect(await errorsOf('Complete')).to.deep.equal([
      'stepwise_prediction_relative_error{namespace="team",name="bert",quantity="cost"} 0.19999999999999996',
      'stepwise_prediction_relative_error{namespace="team",name="bert",quantity="time"} -0.25',
    ]);
    expect(await errorsOf('Failed')).to.deep.equal([]);
  });

  it('forgets jobs and pools that are gone', async () => {
    await show([aTrainingJob({ status: { replicas: 2 } })], [aGpuPool({ status: { nodes: { ready: 1 } } })]);
    expect(await show([], [])).to.deep.equal([]);
  });
});

describe('the plan on the metrics page', () => {
  const plan = { cost: 12.5, lowerBound: 10, gap: 0.2 };
  const euros = aGpuPool({ spec: { cost: { pricePerNodeHour: '1', currency: 'EUR' } } });
  const dollars = aGpuPool({ spec: { cost: { pricePerNodeHour: '1', currency: 'USD' } } });
  let metrics: OperatorMetrics;
  const page = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => /^stepwise_plan_(cost|optim)/.test(line));
  beforeEach(() => {
    metrics = new OperatorMetrics();
  });

  it('has no series before the first', async () => {
    expect(await page()).to.deep.equal([]);
  });

  it('shows cost, lower bound and the proven gap', async () => {
    showPlan(metrics, plan, [euros, euros]);
    expect(await page()).to.have.members([
      'stepwise_plan_cost_to_target{currency="EUR"} 12.5',
      'stepwise_plan_cost_to_target_lower_bound{currency="EUR"} 10',
      'stepwise_plan_optimality_gap_ratio{currency="EUR"} 0.2',
    ]);
  });

  it('adds no amounts of several currencies, and leaves out what is no number', async () => {
    showPlan(metrics, plan, [euros]);
    showPlan(metrics, plan, [euros, dollars]);
    expect(await page()).to.deep.equal([]);
    showPlan(metrics, { cost: Number.NaN, lowerBound: Number.NEGATIVE_INFINITY, gap: Number.NaN }, [euros]);
    expect(await page()).to.deep.equal([]);
  });
});
