import { expect } from 'chai';
import type { Pod } from '../../../src/controllers/kinds.ts';
import { aGpuPool, aTrainingJob, type TrainingJobParts } from '../../support/a-training-job.ts';
import { FleetWorld } from '../../support/shell/fleet-world.ts';
import { TRAINING } from '../../support/shell/stories.ts';

const START_SECONDS = 1_700_000_000;
/** A step takes some 1.4 s on one worker and 1 s on two: in time on two, late on one. */
const URGENT_STEPS = 6000;
const URGENT_SECONDS = 7600;

function aJob(name: string, pool: string, spec: TrainingJobParts['spec']) {
  return aTrainingJob({
    name,
    spec: {
      // The batch is fixed, so that only workers can be decided on.
      batch: { globalBatchSize: { initial: 256, max: 256 }, learningRate: { rule: 'Sqrt' } },
      elasticity: { minReplicas: 1, maxReplicas: 4, sizes: { type: 'PowersOfTwo' } },
      capacity: { pools: [{ name: pool }] },
      ...spec,
    },
  });
}

describe('A job with a deadline on a full pool', function () {
  this.timeout(60_000);

  // Six GPUs, of which a stranger holds one and a patient job four.
  const full = aGpuPool({ name: 'full', spec: { limits: { maxNodes: 3 } } });
  const spare = aGpuPool({ name: 'spare', spec: { limits: { maxNodes: 2 } } });
  const deadline = new Date((START_SECONDS + URGENT_SECONDS) * 1000).toISOString();
  const endless = { work: { type: 'Steps' as const, steps: 200_000 } };
  // Its time is worth four workers, by little: what two of them are worth to the other job is more.
  const patient = aJob('patient', 'full', {
    replicas: 4,
    objective: { work: { type: 'Steps', steps: 8000 }, timeValuePerHour: '3' },
  });
  const urgent = aJob('urgent', 'full', {
    replicas: 1,
    objective: { work: { type: 'Steps', steps: URGENT_STEPS }, deadline },
  });
  const bystander = aJob('bystander', 'spare', { replicas: 2, objective: { ...endless, timeValuePerHour: '2' } });
  const world = new FleetWorld({
    jobs: [patient, urgent, bystander].map((job) => ({ job, training: TRAINING })),
    pools: [full, spare],
    foreignPods: [{ name: 'inference', pool: full }],
    startSeconds: START_SECONDS,
  });
  const pods = (name: string) => world.workers.get(name)?.livePods().length ?? 0;
  const firstSecond = new Map<string, number>();
  const note = (what: string, isSo: boolean) => {
    if (isSo && !firstSecond.has(what)) firstSecond.set(what, world.seconds);
  };
  const secondOf = (what: string) => firstSecond.get(what) ?? Number.POSITIVE_INFINITY;
  let foreign: Pod[];

  before(async () => {
    await world.run(1500, () => {
      const yielding = world.job('patient').status;
      note('yield decided', yielding?.decisions?.some(({ reason }) => reason === 'YieldsToOthers') === true);
      note('yield begun', yielding?.resize !== undefined && (yielding.resize.to.replicas ?? 4) < 4);
      note('yielded', secondOf('yield begun') < world.seconds && yielding?.resize === undefined && pods('patient') < 4);
      note('urgent grown', pods('urgent') >= 2 && world.job('urgent').status?.resize === undefined);
      for (const name of ['patient', 'urgent', 'bystander']) {
        note(`${name} below its least`, (world.job(name).status?.replicas ?? 1) < 1);
      }
    });
    foreign = world.server.list<Pod>('pods').filter(({ metadata }) => metadata.namespace === 'others');
  });

  it('is given the GPUs of a job without one, which says that it yields', () => {
    expect(secondOf('yield decided')).to.be.below(1500);
    expect(secondOf('yield begun')).to.be.at.least(secondOf('yield decided'));
    expect(secondOf('urgent grown')).to.be.above(secondOf('yielded'));
    expect(pods('urgent')).to.equal(2);
    expect(pods('patient')).to.equal(2);
  });

  it('is in time then, by the forecast', () => {
    const condition = world.job('urgent').status?.conditions?.find(({ type }) => type === 'DeadlineAtRisk');
    expect(condition).to.include({ status: 'False', reason: 'OnTime' });
  });

  it('takes nothing below its least, and nothing from other pools', () => {
    expect([...firstSecond.keys()].filter((what) => what.endsWith('least'))).to.deep.equal([]);
    expect(pods('patient')).to.be.at.least(1);
    const reasons = world.job('bystander').status?.decisions?.map(({ reason }) => reason);
    expect(reasons).not.to.include('YieldsToOthers');
  });

  it('touches no pod of a stranger', () => {
    expect(foreign).to.have.lengthOf(1);
    expect(foreign[0]?.status?.phase).to.equal('Running');
    expect(foreign[0]?.spec.nodeName).to.match(/^full-/);
    expect([...world.written].filter((object) => object.includes('others/'))).to.deep.equal([]);
    expect(world.broken).to.deep.equal([]);
  });
});
