import { expect } from 'chai';
import fc from 'fast-check';
import {
  anyTrouble,
  hoursDecide,
  NO_TROUBLE,
  plannerDecides,
  type Trouble,
  userDecides,
} from '../../support/shell/stories.ts';
import { World } from '../../support/shell/world.ts';

/** Runs tell their seed when they fail: CRASH_SEED gives it back, CRASH_RUNS asks for more of them. */
const seed = process.env['CRASH_SEED'] === undefined ? undefined : Number(process.env['CRASH_SEED']);
const numRuns = Number(process.env['CRASH_RUNS'] ?? 4);
const CHOICES = {
  numRuns,
  ...(seed === undefined ? {} : { seed }),
  endOnFailure: process.env['CRASH_SEED'] === undefined,
};

/** More than this is a flood: a run has about fifteen changes, and each life of the operator may tell its own again. */
const mostEvents = (world: World) => 40 + 4 * (world.lives + world.line.struck.length);

async function live(tell: (trouble: Trouble) => ConstructorParameters<typeof World>[0], trouble: Trouble) {
  const world = await new World(tell(trouble)).run();
  if (world.broken.length > 0) {
    throw new Error(`broken: ${world.broken.join('; ')}\nafter ${world.line.struck.join('; ') || 'no fault'}`);
  }
  expect(world.events, 'events').to.be.at.most(mostEvents(world));
  return world;
}

/** Nothing is under way, and file, trainer, pods and status agree. */
function expectRest(world: World, workers: number): void {
  const { status } = world.job;
  const { trainer } = world.workers;
  const file = world.workers.file();
  expect(status?.resize, 'a resize under way').to.equal(undefined);
  expect(status?.tuning, 'a tuning in flight').to.equal(undefined);
  expect(status?.replicas, 'workers decided on').to.equal(workers);
  expect(world.workers.livePods(), 'pods').to.have.length(workers);
  expect(trainer?.configuration.replicas, 'workers of the training').to.equal(workers);
  expect(trainer?.configuration.microBatchSize, 'micro batch in force').to.equal(file?.microBatchSize);
  expect(trainer?.configVersion, 'version in force').to.equal(file?.version);
  expect(status?.batch?.globalBatchSize, 'batch told').to.equal(file?.globalBatchSize);
  const gpus = workers + world.foreignGpus();
  expect(world.nodes.desired, 'nodes').to.equal(Math.ceil(gpus / world.pool.spec.gpusPerNode));
}

describe('An operator that dies at any call', function () {
  this.timeout(60_000 + 5000 * numRuns);

  it('carries out what the user asked for when nothing goes wrong', async () => {
    const world = await live(userDecides, NO_TROUBLE);
    expectRest(world, 1);
    expect(world.job.status?.decisions?.map(({ action }) => action)).to.deep.equal([
      ...['Start', 'Resize', 'Suspend', 'Resume', 'Resize'],
    ]);
  });

  it('carries out what the planner found when nothing goes wrong', async () => {
    const world = await live(plannerDecides, NO_TROUBLE);
    expectRest(world, 8);
    expect(world.workers.file()?.globalBatchSize, 'global batch').to.be.above(256);
  });

  it('reaches the size that the user asked for, and breaks no promise on the way', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrouble({ untilSecond: 400, writes: 150 }), async (trouble) => {
        expectRest(await live(userDecides, trouble), 1);
      }),
      CHOICES,
    );
  });

  it('pauses and goes on when nothing goes wrong', async () => {
    const world = await live(hoursDecide, NO_TROUBLE);
    expectRest(world, 2);
    expect(world.job.status?.decisions?.map(({ action }) => action)).to.deep.equal(['Start', 'Pause', 'Resume']);
  });

  it('goes on from a pause, whatever goes wrong around it, and tells of one wait', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrouble({ untilSecond: 400, writes: 150 }), async (trouble) => {
        const world = await live(hoursDecide, trouble);
        expectRest(world, 2);
        expect(world.job.status?.pause, 'a pause').to.equal(undefined);
        expect(world.job.status?.pausedSeconds ?? 0, 'seconds waited').to.be.at.most(260);
      }),
      CHOICES,
    );
  });

  it('comes to rest at a size and batch that the trainer runs, when the planner decides', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrouble({ untilSecond: 400, writes: 150 }), async (trouble) => {
        const world = await live(plannerDecides, trouble);
        expectRest(world, world.job.status?.replicas ?? 0);
      }),
      CHOICES,
    );
  });
});
