import { expect } from 'chai';
import fc from 'fast-check';
import { type JobDecision, planFleet } from '../../../../src/core/plan-fleet.ts';
import { priorOf } from '../../../../src/core/profile/family.ts';
import type { JobSnapshot, PoolSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, type JobParts, NOW } from '../../../support/a-job.ts';

import { aRun, TRAINING } from '../../../support/a-run.ts';

const nothing = aConfiguration({ replicas: 0 });

function aWaitingJob(
  key: string,
  parts: JobParts & Pick<Partial<JobSnapshot>, 'submittedAt' | 'knownSpeed'> = {},
): JobSnapshot {
  const history = { current: nothing, busyWith: 'Waiting' as const, restartSeconds: undefined, ...parts.history };
  const { submittedAt, knownSpeed } = parts;
  return {
    ...aJob({ ...parts, key, history }),
    ...(submittedAt === undefined ? {} : { submittedAt }),
    ...(knownSpeed === undefined ? {} : { knownSpeed }),
  };
}

/** Batch 16 at one step a second on one worker, a little less than twice as fast on two, and so on. */
const knownSpeed = {
  pool: 'pool',
  sizes: [1, 2, 4, 8].map((replicas) => ({ replicas, samplesPerSecond: 16 * replicas ** 0.9 })),
};

/** Of a known speed and so many seconds of work on one worker. */
function aProfiledJob(key: string, seconds: number, due: number | undefined, parts: JobParts = {}): JobSnapshot {
  const limits = {
    batchMode: 'Off' as const,
    canRescale: true,
    maxReplicas: 8,
    deadline: due === undefined ? undefined : NOW + due,
    work: { type: 'ReferenceSamples' as const, referenceSamples: 16 * seconds },
    ...parts.limits,
  };
  return aWaitingJob(key, { ...parts, limits, knownSpeed });
}

/** The same job on its workers, with nothing done yet, as fast as its profile says. */
function running(job: JobSnapshot, replicas: number): JobSnapshot {
  const microBatchSize = 16 / replicas;
  const timed = [{ dataParallelSize: replicas, microBatchSize, gradientAccumulationSteps: 1 }];
  const known = { overheadSeconds: 0, secondsPerSample: 1, gradientNoiseScale: undefined };
  const evidence = evidenceOf({ ...known, timed, referenceSamplesDone: 0 });
  const stepTimes = evidence.stepTimes.map((point) => ({ ...point, meanSeconds: 1 / replicas ** 0.9 }));
  const current = aConfiguration({ replicas, microBatchSize });
  return {
    ...job,
    history: { ...job.history, busyWith: 'Nothing', current },
    evidence: { ...evidence, stepTimes },
  };
}

const paid = (gpus: number): PoolSnapshot => aPool({ maxNodes: gpus, paidNodes: gpus });

function decide(jobs: readonly JobSnapshot[], pool: PoolSnapshot): Record<string, JobDecision> {
  return Object.fromEntries(planFleet(aSnapshot(jobs, [pool])).decisions.map((decision) => [decision.key, decision]));
}

describe('jobs that wait for their start', () => {
  const two = { limits: { initialReplicas: 2, maxReplicas: 2 } };

  it('start as their users said, as long as there is room', () => {
    const { one, other } = decide([aWaitingJob('one', two), aWaitingJob('other', two)], aPool({ maxNodes: 3 }));
    expect(one).to.deep.include({ action: 'Start', reason: 'Admitted' });
    expect(one?.target).to.deep.include({ pool: 'pool', replicas: 2, microBatchSize: 16 });
    expect(other).to.deep.include({ action: 'Hold', reason: 'PoolFull' });
    expect(other?.message).to.equal('2 GPUs are wanted for the start, pool pool has 1');
  });

  it('come by deadline, then by arrival', () => {
    const jobs = [
      aWaitingJob('a', { submittedAt: 30 }),
      aWaitingJob('b', { submittedAt: 20 }),
      aWaitingJob('c', { submittedAt: 40, limits: { deadline: NOW + 1e6 } }),
    ];
    const started = (nodes: number) =>
      Object.values(decide(jobs, aPool({ maxNodes: nodes })))
        .filter(({ action }) => action === 'Start')
        .map(({ key }) => key)
        .sort();
    expect(started(1)).to.deep.equal(['c']);
    expect(started(2)).to.deep.equal(['b', 'c']);
  });

  const cases: Record<string, { parts: JobParts; pool?: Partial<PoolSnapshot>; want: Partial<JobDecision> }> = {
    'are left alone while an annotation pauses them': {
      parts: { held: { everything: true } },
      want: { action: 'Hold', reason: 'HeldByUser' },
    },
    'wait while the pool cannot deliver': {
      parts: {},
      pool: { stockOutUntil: NOW + 60 },
      want: { action: 'Hold', reason: 'StockOut' },
    },
    'wait where no pool of theirs is known': {
      parts: { limits: { pools: ['gone'] } },
      want: { action: 'Hold', reason: 'PoolFull', message: 'none of the pools gone is known' },
    },
  };
  for (const [name, { parts, pool, want }] of Object.entries(cases)) {
    it(name, () => {
      expect(decide([aWaitingJob('job', parts)], aPool(pool))['job']).to.deep.include(want);
    });
  }
});

describe('jobs of known speed in a pool that is paid for', () => {
  it('start with what is idle, and are told when they will end', () => {
    const { job } = decide([aProfiledJob('job', 10_000, 20_000)], paid(8));
    expect(job).to.deep.include({ action: 'Start', reason: 'Admitted', isPromised: true });
    expect(job?.target.replicas).to.equal(8);
    expect(job?.message).to.equal('start with 8 workers to end in 27m, 7 GPUs of it lent while nobody needs them');
  });

  it('are refused when nothing could be in time any more, and wait while it could', () => {
    expect(decide([aProfiledJob('job', 10_000, 100)], paid(8))['job']).to.deep.include({
      action: 'Refuse',
      reason: 'DeadlineInfeasible',
    });
    const taken = running(aProfiledJob('runs', 10_000, 1700), 8);
    const { runs, comes } = decide([taken, aProfiledJob('comes', 1000, 1600)], paid(8));
    expect(runs).to.deep.include({ action: 'Hold', reason: 'AtOptimum' });
    expect(comes).to.deep.include({ action: 'Hold', reason: 'DeadlineInfeasible' });
    expect(comes?.isPromised).to.equal(false);
    expect(comes?.message).to.match(
      /^its deadline in 27m cannot be met .* the earliest deadline that can be kept is in/,
    );
  });

  it('give back what was lent when another deadline needs it', () => {
    const borrower = running(aProfiledJob('borrower', 10_000, 20_000), 8);
    const { borrower: after, comes } = decide([borrower, aProfiledJob('comes', 1000, 700)], paid(8));
    expect(after).to.deep.include({ action: 'Resize', reason: 'YieldsToOthers' });
    expect(comes).to.deep.include({ action: 'Start', reason: 'Admitted' });
    expect((after?.target.replicas ?? 9) + (comes?.target.replicas ?? 9)).to.be.at.most(8);
  });

  it('grow where their deadline asks for it, and by what is lent', () => {
    const late = running(aProfiledJob('late', 10_000, 6000), 1);
    expect(decide([late], paid(8))['late']).to.deep.include({ action: 'Resize', reason: 'IdleGpusLent' });
    expect(decide([late], paid(2))['late']).to.deep.include({ action: 'Resize', reason: 'DeadlineAtRisk' });
  });

  it('are left alone while a change is under way, held, or just made', () => {
    const job = running(aProfiledJob('job', 10_000, 20_000), 1);
    const histories = [
      { busyWith: 'Resize' as const },
      { lastResizeAt: NOW - 60 },
      { resizedAt: [1, 2, 3, 4, 5, 6].map((minutes) => NOW - 60 * minutes - 600) },
    ];
    for (const history of histories) {
      const { job: decision } = decide([{ ...job, history: { ...job.history, ...history } }], paid(8));
      expect(decision?.action, JSON.stringify(history)).to.equal('Hold');
    }
    expect(decide([{ ...job, held: { ...job.held, everything: true } }], paid(8))['job']?.action).to.equal('Hold');
  });

  it('are judged by what they measure where the profile was surely wrong', () => {
    const job = running(aProfiledJob('job', 10_000, 11_000), 1);
    const [point] = job.evidence.stepTimes;
    if (point === undefined) throw new Error('one layout was timed');
    const slower = { ...job.evidence, stepTimes: [{ ...point, meanSeconds: 2, windows: 20, precision: 20_000 }] };
    expect(decide([job], paid(1))['job']?.deadlineAtRisk).to.equal(false);
    expect(decide([{ ...job, evidence: slower }], paid(1))['job']?.deadlineAtRisk).to.equal(true);
  });

  it('are not planned by the profile in an elastic pool, nor with numbers that are none', () => {
    const job = aProfiledJob('job', 10_000, 20_000);
    expect(decide([job], aPool({ maxNodes: 8 }))['job']?.target.replicas).to.equal(1);
    const broken = { ...job, knownSpeed: { pool: 'pool', sizes: [{ replicas: 2, samplesPerSecond: Number.NaN }] } };
    expect(decide([broken], paid(8))['job']?.target.replicas).to.equal(1);
  });

  it('never hold more than the pool has, beside jobs of which nothing is known', () => {
    const aMix = fc.array(
      fc.record({
        isProfiled: fc.boolean(),
        seconds: fc.integer({ min: 100, max: 50_000 }),
        due: fc.option(fc.integer({ min: 50, max: 50_000 }), { nil: undefined }),
        isPromised: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(aMix, fc.integer({ min: 1, max: 16 }), (mix, gpus) => {
        const jobs = mix.map(({ isProfiled, seconds, due, isPromised }, index) =>
          isProfiled
            ? aProfiledJob(`job-${index}`, seconds, due, { history: { isPromised } })
            : aWaitingJob(`job-${index}`),
        );
        const decisions = Object.values(decide(jobs, paid(gpus)));
        expect(decisions).to.have.length(jobs.length);
        expect(decisions.reduce((sum, { target }) => sum + target.replicas, 0)).to.be.at.most(gpus);
      }),
    );
  });
});

describe('a waiting job whose family is known', () => {
  const prior = priorOf([aRun({}, TRAINING)], {
    pool: 'pool',
    gpuType: 'nvidia-t4',
    memoryBytes: undefined,
    initialGlobalBatchSize: 128,
    initialMicroBatchSize: 32,
    targetLoss: undefined,
    model: undefined,
  });
  const limits = {
    canRescale: true,
    maxReplicas: 4,
    initialGlobalBatchSize: 128,
    initialMicroBatchSize: 32,
    minGlobalBatchSize: 128,
    work: { type: 'ReferenceSamples' as const, referenceSamples: 1_000_000 },
  };
  const known = (parts: JobParts = {}): JobSnapshot => ({
    ...aWaitingJob('team/known', { ...parts, limits: { ...limits, ...parts.limits } }),
    priors: prior === undefined ? [] : [prior],
  });

  it('starts with the workers that its deadline needs', () => {
    const without = decide([known()], aPool())['team/known'];
    expect(without?.action).to.equal('Start');
    expect(without?.target.replicas).to.equal(1);
    const hurried = decide([known({ limits: { deadline: NOW + 10_000 } })], aPool())['team/known'];
    expect(hurried?.target.replicas).to.be.greaterThan(1);
    expect(hurried?.message).to.match(/as it is forecast to go best$/);
  });

  it('takes no GPU that others hold or were given before it', () => {
    const jobs = [known({ limits: { deadline: NOW + 10_000 } }), aWaitingJob('team/other')];
    const decisions = decide(jobs, aPool({ maxNodes: 2 }));
    const started = Object.values(decisions).filter(({ action }) => action === 'Start');
    expect(started.reduce((sum, { target }) => sum + target.replicas, 0)).to.be.at.most(2);
  });

  it('starts as its user asked where the mode is not Auto', () => {
    const decision = decide([known({ limits: { mode: 'Recommend', deadline: NOW + 10_000 } })], aPool())['team/known'];
    expect(decision?.target.replicas).to.equal(1);
    expect(decision?.message).to.equal('start with 1 worker');
  });
});
