import { expect } from 'chai';
import type { SimulationResult } from '../../../src/simulator/result.ts';
import { simulate } from '../../../src/simulator/run.ts';
import { POLICY_NAMES } from '../../../src/simulator/scenario.ts';
import { A_POOL, aScenario, aTraceFolder } from '../../support/a-scenario.ts';

const FOLDER = aTraceFolder();
const JOBS = { file: 'jobs.csv', profiles: 'traces' };
const DEADLINES = { ...JOBS, deadlines: { file: 'deadlines.csv', factor: 2 } };

function sharesAndBill({ jobs, totals }: SimulationResult): readonly [number, number] {
  return [jobs.reduce((sum, job) => sum + job.cost, 0), totals.cost];
}

describe('simulation', () => {
  it('runs jobs as their users asked, to the second', async () => {
    const { jobs } = await simulate(aScenario({}, FOLDER));
    const [first, second] = jobs;
    expect(first).to.deep.include({ name: 'first', startedAt: 0, rescales: 0, refused: false });
    expect(first?.finishedAt).to.be.closeTo(1000 * 0.2, 1e-6);
    // Batch 40 on two GPUs: 600 steps of micro batch 20, on one node.
    expect(second?.finishedAt).to.be.closeTo(60 + 600 * 0.4, 1e-6);
    expect(second?.gpuSeconds).to.be.closeTo(2 * 240, 1e-6);
  });

  it('charges restarts and waits for nodes', async () => {
    const pools = [{ ...A_POOL, provisioningSeconds: 100 }];
    const { jobs, totals } = await simulate(aScenario({ pools, restartSeconds: 30 }, FOLDER));
    expect(jobs[0]?.startedAt).to.equal(100);
    expect(jobs[0]?.finishedAt).to.be.closeTo(330, 1e-6);
    expect(jobs[0]?.gpuSeconds).to.be.closeTo(230, 1e-6);
    // Paid for from the launch on.
    expect(jobs[0]?.nodeBilledGpuSeconds).to.be.closeTo(2 * 330, 1e-6);
    expect(totals.cost).to.be.closeTo(((330 + 370) / 3600) * 7.2, 1e-6);
    expect(jobs[0]?.allocation.map(({ state }) => state)).to.deep.equal(['Waiting', 'Restarting', 'Running']);
  });

  it('has every part of the bill borne by a job or by nobody', async () => {
    const elastic = await simulate(aScenario({}, FOLDER));
    expect(sharesAndBill(elastic)[0]).to.be.closeTo(sharesAndBill(elastic)[1], 1e-6);
    const paid = await simulate(aScenario({ pools: [{ ...A_POOL, kind: 'Paid' }] }, FOLDER));
    expect(paid.totals.cost).to.be.closeTo((3 * 7.2 * paid.totals.simulatedSeconds) / 3600, 1e-6);
    expect(sharesAndBill(paid)[0]).to.be.lessThan(paid.totals.cost);
  });

  it('counts carbon by the hour', async () => {
    const pools = [{ ...A_POOL, zone: 'Z', busyWattsPerGpu: 1000 }];
    const { totals } = await simulate(aScenario({ pools, energy: { Z: 'zone.csv' } }, FOLDER));
    expect(totals.energyKwh).to.be.closeTo((200 + 2 * 240) / 3600, 1e-6);
    expect(totals.co2eKg).to.be.closeTo(totals.energyKwh * 0.1, 1e-6);
  });

  it('loses work with a node and ends all the same', async () => {
    const options = { nodeLossesPerNodeHour: 60 };
    const { jobs, totals } = await simulate(aScenario({ options, checkpointEverySeconds: 20 }, FOLDER));
    expect(totals.finished).to.equal(2);
    expect(jobs.reduce((sum, job) => sum + job.interruptions, 0)).to.be.greaterThan(0);
  });

  it('waits out a stock-out', async () => {
    const options = { stockOuts: [{ pool: 'pool', fromSeconds: 0, toSeconds: 95 }] };
    const { jobs } = await simulate(aScenario({ options }, FOLDER));
    expect(jobs[0]?.startedAt).to.equal(100);
  });

  it('gives the same result twice, but for milliseconds', async () => {
    const scenario = aScenario({ policy: 'Stepwise', scrapeGapShare: 0.2, scrapeLagSeconds: 7 }, FOLDER);
    const [one, other] = [await simulate(scenario), await simulate(scenario)];
    expect({ ...one, decisions: [] }).to.deep.equal({ ...other, decisions: [] });
    expect(one.decisions.length).to.equal(other.decisions.length);
  });

  for (const policy of POLICY_NAMES) {
    it(`carries ${policy} to an end in which every job is finished or refused`, async () => {
      const { totals, jobs, scenario } = await simulate(aScenario({ policy, jobs: DEADLINES }, FOLDER));
      expect(scenario.policy).to.equal(policy);
      expect(totals.finished + totals.refused).to.equal(2);
      for (const { allocation } of jobs) {
        allocation.slice(1).forEach((span, index) => {
          expect(span.from).to.equal(allocation[index]?.to);
        });
      }
    });
  }

  it('tells the operator only what its metrics show', async () => {
    const { jobs } = await simulate(aScenario({ policy: 'Stepwise', jobs: DEADLINES, scrapeGapShare: 1 }, FOLDER));
    // Without a reading nothing is known, so nothing is changed.
    for (const job of jobs) expect([job.rescales, job.batchChanges, job.predictions.length]).to.deep.equal([0, 0, 0]);
  });
});
