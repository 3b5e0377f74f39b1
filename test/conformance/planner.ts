import { expect } from 'chai';
import { planFleet } from '../../src/core/plan-fleet.ts';
import type { JobSnapshot, Snapshot } from '../../src/core/snapshot.ts';
import type { Planner } from '../../src/ports/planner.ts';
import { aJob, aPool, evidenceOf, NOW } from '../support/a-job.ts';

const layout = (microBatchSize: number) => ({ dataParallelSize: 1, microBatchSize, gradientAccumulationSteps: 1 });
const measured = (gradientNoiseScale: number) =>
  evidenceOf({
    overheadSeconds: 0.1,
    secondsPerSample: 0.001,
    gradientNoiseScale,
    timed: [layout(16), layout(64)],
    referenceSamplesDone: 1_000_000,
  });
const one = aJob({ key: 'ns/one', evidence: measured(900) });
const other = aJob({ key: 'ns/other', evidence: measured(4000) });

const snapshotOf = (jobs: readonly JobSnapshot[], now = NOW): Snapshot => ({ now, jobs, pools: [aPool()] });

/** What of a plan people and reconcilers see. */
function told(plan: ReturnType<typeof planFleet>) {
  const { cost, lowerBound, gap } = plan;
  const decisions = plan.decisions.map(({ estimate, ...rest }) => ({
    ...rest,
    noise: estimate?.gradientNoiseScale,
    overhead: estimate?.overheadSeconds,
    work: estimate?.remainingReferenceSamples,
  }));
  return { cost, lowerBound, gap, decisions };
}

/** What every planner must do. */
export function describePlanner(name: string, open: () => { planner: Planner; close(): Promise<void> }): void {
  describe(`${name} as a planner`, () => {
    let under: ReturnType<typeof open>;
    before(() => {
      under = open();
    });
    after(() => under.close());

    const expectTheCoresPlan = async (snapshot: Snapshot) => {
      expect(told(await under.planner.plan(snapshot))).to.deep.equal(told(planFleet(snapshot)));
    };

    it('answers what the core answers', async () => {
      await expectTheCoresPlan(snapshotOf([one, other]));
    });

    it('goes by the evidence of this call, not of the one before', async () => {
      await expectTheCoresPlan(snapshotOf([one, other]));
      await expectTheCoresPlan(snapshotOf([{ ...one, evidence: measured(20_000) }, other], NOW + 30));
    });

    it('plans an empty fleet, and one in which jobs come and go', async () => {
      for (const jobs of [[], [one], [other], [other, one], []]) await expectTheCoresPlan(snapshotOf(jobs));
    });

    it('tells of a job whose numbers cannot be planned with, and plans the others', async () => {
      const broken = aJob({ key: 'ns/broken', evidence: { ...measured(900), stepTimes: undefined as never } });
      const { decisions } = await under.planner.plan(snapshotOf([broken, one]));
      const reasons = new Map(decisions.map(({ key, reason }) => [key, reason]));
      expect(reasons.get('ns/broken')).to.equal('PlanningFailed');
      expect(reasons.get('ns/one')).not.to.equal('PlanningFailed');
    });

    it('refuses a snapshot that is none', async () => {
      const error = await under.planner.plan({ ...snapshotOf([one]), pools: undefined as never }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.include({ name: 'PlannerError', problem: 'Failed' });
      await expectTheCoresPlan(snapshotOf([one]));
    });
  });
}
