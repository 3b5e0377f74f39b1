import { expect } from 'chai';
import type { PoolHour } from '../../../src/core/snapshot.ts';
import { aGpuPool, aTrainingJob, type TrainingJobParts } from '../../support/a-training-job.ts';
import { FleetWorld } from '../../support/shell/fleet-world.ts';
import { TRAINING } from '../../support/shell/stories.ts';

/** 2023-11-14T22:13:20Z, a Tuesday. */
const START_SECONDS = 1_700_000_000;
const at = (time: string) => Date.parse(`2023-11-14T${time}Z`) / 1000 - START_SECONDS;

function aJob(name: string, spec: TrainingJobParts['spec']) {
  return aTrainingJob({
    name,
    spec: {
      batch: { globalBatchSize: { initial: 256, max: 256 }, learningRate: { rule: 'Sqrt' } },
      elasticity: { minReplicas: 2, maxReplicas: 2 },
      objective: { work: { type: 'Steps', steps: 30_000 } },
      capacity: { pools: [{ name: 't4' }] },
      ...spec,
    },
  });
}

const pool = aGpuPool({
  spec: { scaleDownDelaySeconds: 20, limits: { maxNodes: 2 }, cost: { pricePerNodeHour: '0.05' } },
});

/** Notes when something first is so. */
class Diary {
  readonly #first = new Map<string, number>();
  readonly #world: () => FleetWorld;

  constructor(world: () => FleetWorld) {
    this.#world = world;
  }

  note(what: string, isSo: boolean): void {
    if (isSo && !this.#first.has(what)) this.#first.set(what, this.#world().seconds);
  }

  secondOf(what: string): number {
    return this.#first.get(what) ?? Number.POSITIVE_INFINITY;
  }
}

function tell(world: FleetWorld, diary: Diary, name: string): void {
  const { status } = world.job(name);
  const pods = world.workers.get(name)?.livePods().length ?? 0;
  const steps = world.workers.get(name)?.trainer?.steps ?? 0;
  const condition = status?.conditions?.find(({ type }) => type === 'Paused')?.status;
  diary.note('trains', steps > 0);
  diary.note('paused', status?.pause !== undefined);
  diary.note('told', condition === 'True' && status?.state === 'Paused');
  diary.note('pods gone', diary.secondOf('paused') < world.seconds && pods === 0);
  diary.note('nodes gone', diary.secondOf('paused') < world.seconds && world.nodesOf('t4') === 0);
  diary.note('resumed', diary.secondOf('paused') < world.seconds && status?.pause === undefined);
  diary.note('trains again', diary.secondOf('resumed') < world.seconds && steps > 0);
}

describe('A job whose hours end', function () {
  this.timeout(60_000);

  const windows = [
    { name: 'evening', from: '22:00', to: '22:25' },
    { name: 'night', from: '22:40', to: '06:00' },
  ];
  const world = new FleetWorld({
    jobs: [{ job: aJob('green', { eco: { mode: 'Require', windows } }), training: TRAINING }],
    pools: [pool],
    foreignPods: [],
    startSeconds: START_SECONDS,
  });
  const diary = new Diary(() => world);
  let whilePaused: ReturnType<FleetWorld['job']>['status'];

  before(async () => {
    await world.run(2000, () => {
      tell(world, diary, 'green');
      if (world.seconds === at('22:35:00')) whilePaused = structuredClone(world.job('green').status);
    });
  });

  it('trains until then, and is stopped with a checkpoint', () => {
    expect(diary.secondOf('trains')).to.be.below(at('22:20:00'));
    expect(diary.secondOf('paused')).to.be.within(at('22:25:00'), at('22:26:10'));
    expect(diary.secondOf('pods gone')).to.be.below(at('22:27:00'));
    const events = world.server.list<{ metadata: object; reason?: string } & Parameters<typeof String>[0]>('events');
    expect(events.map(({ reason }: { reason?: string }) => reason)).to.include.members([
      ...['Paused', 'CheckpointCompleted', 'Resumed'],
    ]);
  });

  it('gives its nodes back', () => {
    expect(diary.secondOf('nodes gone')).to.be.below(at('22:28:00'));
    expect(whilePaused).to.include({ state: 'Paused', replicas: 0, gpus: 0 });
  });

  it('says why it waits and until when', () => {
    expect(whilePaused?.pause).to.deep.include({
      reason: 'OutsideHours',
      until: '2023-11-14T22:40:00Z',
      isStart: false,
    });
    expect(whilePaused?.pause?.resumes).to.include({ replicas: 2 });
    const conditions = Object.fromEntries(whilePaused?.conditions?.map(({ type, reason }) => [type, reason]) ?? []);
    expect(conditions).to.include({ Paused: 'OutsideHours', Running: 'Paused', Suspended: 'NotSuspended' });
    expect(whilePaused?.decisions?.at(-1)).to.include({ action: 'Pause', reason: 'OutsideHours' });
  });

  it('goes on from its checkpoint when they begin again', () => {
    expect(diary.secondOf('resumed')).to.be.within(at('22:40:00'), at('22:41:10'));
    expect(diary.secondOf('trains again')).to.be.below(at('22:43:00'));
    const { status } = world.job('green');
    expect(status).to.include({ replicas: 2, state: 'Running' });
    expect(status?.pausedSeconds).to.be.within(780, 960);
    expect(status?.pauses).to.equal(0);
    expect(world.broken).to.deep.equal([]);
  });
});

describe('A job in dear hours', function () {
  this.timeout(60_000);

  /** Cheap for 20 minutes, dear for 15, cheap again. */
  const price = (from: number, to: number, moneyPerKwh: number): PoolHour => ({
    from: START_SECONDS + from,
    to: START_SECONDS + to,
    moneyPerKwh,
    rentFactor: undefined,
    relativeError: undefined,
  });
  const hours = [price(-600, 1200, 0.1), price(1200, 4800, 4), price(4800, 20_000, 0.1)];
  const world = new FleetWorld({
    jobs: [{ job: aJob('thrifty', { eco: { mode: 'Prefer' } }), training: TRAINING }],
    pools: [pool],
    foreignPods: [],
    startSeconds: START_SECONDS,
    electricityOf: () => ({ hours, kilowattsPerGpu: 1 }),
  });
  const diary = new Diary(() => world);

  before(async () => {
    await world.run(5200, () => tell(world, diary, 'thrifty'));
  });

  it('waits for cheaper ones, once', () => {
    expect(diary.secondOf('paused')).to.be.within(1200, 1300);
    expect(diary.secondOf('nodes gone')).to.be.below(1500);
    expect(diary.secondOf('resumed')).to.be.within(4600, 4900);
    expect(diary.secondOf('trains again')).to.be.below(5000);
    expect(world.job('thrifty').status).to.include({ pauses: 1, state: 'Running' });
    expect(world.broken).to.deep.equal([]);
  });
});

describe('A job that is submitted outside its hours', function () {
  this.timeout(60_000);

  const windows = [{ name: 'night', from: '22:18', to: '06:00' }];
  const world = new FleetWorld({
    jobs: [{ job: aJob('early', { eco: { mode: 'Prefer', windows } }), training: TRAINING }],
    pools: [pool],
    foreignPods: [],
    startSeconds: START_SECONDS,
  });
  const diary = new Diary(() => world);
  let held: ReturnType<FleetWorld['job']>['status'];

  before(async () => {
    await world.run(420, () => {
      tell(world, diary, 'early');
      if (world.seconds === at('22:17:00')) held = structuredClone(world.job('early').status);
    });
  });

  it('is held before its start: no workload, no pods, and no nodes for it', () => {
    expect(held).to.include({ state: 'Paused', workers: '0/0' });
    expect(held?.pause).to.deep.include({ reason: 'WaitingForHours', isStart: true, until: '2023-11-14T22:18:00Z' });
    expect(held?.startTime).to.equal(undefined);
    expect([...world.written].filter((object) => object.startsWith('jobs/'))).to.deep.equal(['jobs/team/early']);
    expect(diary.secondOf('nodes gone')).to.be.below(at('22:17:00'));
  });

  it('starts when they begin, and that was no pause', () => {
    expect(diary.secondOf('trains')).to.be.within(at('22:18:00'), at('22:20:00'));
    const { status } = world.job('early');
    expect(status).to.include({ state: 'Running', pauses: 0 });
    expect(status?.decisions?.map(({ action }) => action)).to.deep.equal(['Start']);
    expect(world.broken).to.deep.equal([]);
  });
});
