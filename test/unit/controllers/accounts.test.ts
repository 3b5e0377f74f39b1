import { expect } from 'chai';
import type { PoolHour } from '../../../src/core/snapshot.ts';
import { aGpuPool, aTrainingJob, type TrainingJobParts } from '../../support/a-training-job.ts';
import { FleetWorld } from '../../support/shell/fleet-world.ts';
import { TRAINING } from '../../support/shell/stories.ts';

const START_SECONDS = 1_700_000_000;
const PRICE = 3.6;
const WATTS = 300;
const RUN_SECONDS = 1000;
const KG_PER_KWH = [0.6, 0.1];

function aJob(name: string, spec: TrainingJobParts['spec']) {
  return aTrainingJob({
    name,
    spec: {
      batch: { mode: 'Off', globalBatchSize: { initial: 256 } },
      elasticity: { minReplicas: 1, maxReplicas: 1 },
      objective: { work: { type: 'Steps', steps: 30_000 } },
      capacity: { pools: [{ name: 't4' }] },
      replicas: 1,
      ...spec,
    },
  });
}

/** Dirty for eight minutes, then clean. */
const hours: readonly PoolHour[] = KG_PER_KWH.map((kgCo2ePerKwh, index) => ({
  from: START_SECONDS + (index === 0 ? -600 : 500),
  to: START_SECONDS + (index === 0 ? 500 : 90_000),
  moneyPerKwh: 0,
  kgCo2ePerKwh,
  rentFactor: undefined,
  relativeError: undefined,
}));

describe('The accounts of a fleet', function () {
  this.timeout(60_000);

  // Three workers and a stranger on nodes of two GPUs; one job leaves its node for a while, to come back.
  const windows = [
    { name: 'first', from: '22:00', to: '22:20' },
    { name: 'second', from: '22:24', to: '23:30' },
  ];
  const pool = aGpuPool({
    spec: { scaleDownDelaySeconds: 60, limits: { maxNodes: 4 }, cost: { pricePerNodeHour: String(PRICE) } },
  });
  const jobs = [
    aJob('wide', { replicas: 2, elasticity: { minReplicas: 2, maxReplicas: 2 } }),
    aJob('narrow', {}),
    aJob('nightly', {
      replicas: 2,
      elasticity: { minReplicas: 2, maxReplicas: 2 },
      eco: { mode: 'Require', windows },
    }),
  ];
  const world = new FleetWorld({
    jobs: jobs.map((job) => ({ job, training: TRAINING })),
    pools: [pool],
    foreignPods: [{ name: 'inference', pool }],
    startSeconds: START_SECONDS,
    electricityOf: () => ({ hours, kilowattsPerGpu: WATTS / 1000 }),
    gpuWatts: WATTS,
  });
  const statusOf = (name: string) => world.job(name).status;
  const sum = (of: (name: string) => string | undefined) =>
    jobs.reduce((total, { metadata: { name } }) => total + Number(of(name) ?? Number.NaN), 0);

  before(async () => {
    await world.run(RUN_SECONDS, () => undefined);
  });

  it('charge jobs, strangers and nobody with what the nodes cost, to one per cent', () => {
    const { jobs: ofJobs, foreign, unclaimed } = world.bills;
    const invoice = (world.drawn.nodeSeconds * PRICE) / 3600;
    expect(ofJobs + foreign + unclaimed).to.be.within(0.99 * invoice, 1.01 * invoice);
    expect(sum((name) => statusOf(name)?.cost?.accrued)).to.be.within(0.99 * ofJobs, 1.01 * ofJobs);
    expect(foreign, 'half a node').to.be.above(0);
    expect(unclaimed, 'hardly anything').to.be.below(0.05 * invoice);
    expect(world.broken).to.deep.equal([]);
  });

  it('tell the energy that the GPUs drew, to one per cent, and that it was measured', () => {
    const drawn = world.drawn.joules / 3.6e6;
    expect(sum((name) => statusOf(name)?.energy?.kilowattHours)).to.be.within(0.99 * drawn, 1.01 * drawn);
    expect(statusOf('wide')?.energy?.source).to.equal('Counter');
    expect(Number(statusOf('wide')?.energy?.modelledKilowattHours)).to.be.below(0.01 * drawn);
  });

  it('tell CO2e by the hour', () => {
    const { energy } = statusOf('wide') ?? {};
    const perKwh = Number(energy?.co2eKilograms) / Number(energy?.kilowattHours);
    expect(perKwh).to.be.within(0.25, 0.45);
    expect(energy?.kilowattHoursWithoutIntensity).to.equal('0');
  });

  it('charge a paused job for its nodes until they are gone, and for no energy', () => {
    const nightly = statusOf('nightly');
    const wide = statusOf('wide');
    expect(nightly?.pausedSeconds).to.be.within(160, 320);
    expect(Number(nightly?.cost?.accrued)).to.be.below(0.95 * Number(wide?.cost?.accrued));
    expect(Number(nightly?.energy?.kilowattHours)).to.be.below(0.9 * Number(wide?.energy?.kilowattHours));
  });
});
