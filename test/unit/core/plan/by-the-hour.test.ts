import { expect } from 'chai';
import fc from 'fast-check';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import type { JobSnapshot, PoolHour, PoolSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, type JobParts, NOW } from '../../../support/a-job.ts';

const HOUR = 3600;
/** Dear until the sixth hour, cheap until the fourteenth. */
const NIGHT = [...Array(6).fill(0.4), ...Array(8).fill(0.05), ...Array(10).fill(0.4)];

const hours = (prices: readonly (number | undefined)[], relativeError = 0): readonly PoolHour[] =>
  prices.map((moneyPerKwh, index) => ({
    from: NOW + index * HOUR,
    to: NOW + (index + 1) * HOUR,
    moneyPerKwh,
    rentFactor: undefined,
    relativeError,
  }));

/** A kilowatt costs up to eight times the rent of its GPU. */
const pool = (prices: readonly (number | undefined)[] | undefined, parts: Partial<PoolSnapshot> = {}) =>
  aPool({
    pricePerNodeHour: 0.05,
    kilowattsPerGpu: 1,
    ...(prices === undefined ? {} : { hours: hours(prices) }),
    ...parts,
  });

/** Some four hours of work on one worker; its batch is not Stepwise's to change. */
function aRun(parts: JobParts = {}, replicas = 1): JobSnapshot {
  const on = (count: number) => aConfiguration({ replicas: count, microBatchSize: 64 / count });
  return aJob({
    key: 'team/run',
    ...parts,
    limits: {
      canPause: true,
      batchMode: 'Off',
      work: { type: 'ReferenceSamples', referenceSamples: 2_200_000 },
      ...parts.limits,
    },
    history: { current: on(replicas), ...parts.history },
    evidence: evidenceOf({
      overheadSeconds: 0.1,
      secondsPerSample: 0.01,
      synchronizationSeconds: 0.02,
      gradientNoiseScale: 50_000,
      timed: [1, 2, 4, 8].map(on),
    }),
  });
}

const decide = (job: JobSnapshot, on: PoolSnapshot, now = NOW) =>
  planFleet({ ...aSnapshot([job], [on]), now }).decisions[0] ?? expect.fail('every job gets a decision');

const paused = (parts: JobParts = {}) => aRun({ ...parts, history: { busyWith: 'Paused', ...parts.history } });

describe('planFleet by the hour, for a job that runs', () => {
  it('waits for a cheap night, and says for how long and what for', () => {
    const decision = decide(aRun(), pool(NIGHT));
    expect(decision).to.include({ action: 'Pause', reason: 'CheaperHours', until: NOW + 6 * HOUR });
    expect(decision.target).to.eql(aRun().history.current);
    expect(decision.message).to.match(
      /^pauses for 6h until hours that cost less: saves \d+% of what the rest costs \(\$[\d.]+→\$[\d.]+\)$/,
    );
  });

  const goesOn: readonly { readonly name: string; readonly job?: JobParts; readonly on?: PoolSnapshot }[] = [
    { name: 'when all hours are alike', on: pool(Array(24).fill(0.4)) },
    { name: 'when no hour is known', on: pool(Array(24).fill(undefined)) },
    { name: 'when nothing is said of hours', on: pool(undefined) },
    { name: 'when an empty forecast is given', on: pool([]) },
    {
      name: 'when the hours differ by no more than the forecast errs',
      on: pool(undefined, { hours: hours(NIGHT, 3) }),
    },
    { name: 'when its rent includes the electricity', on: pool(NIGHT, { kilowattsPerGpu: 0 }) },
    { name: 'when the draw is unknown', on: aPool({ pricePerNodeHour: 0.05, hours: hours(NIGHT) }) },
    { name: 'when a pause is not allowed', job: { limits: { canPause: false } } },
    { name: 'when the deadline leaves no time to wait', job: { limits: { deadline: NOW + 6 * HOUR } } },
    { name: 'when the deadline is out of reach', job: { limits: { deadline: NOW + HOUR } } },
    { name: 'when only time counts', job: { limits: { objective: 'TimeToTarget' } } },
    { name: 'when time is worth more', job: { limits: { timeValuePerHour: 1 } } },
    {
      name: 'when the last restart has not paid yet',
      job: { history: { lastResizeAt: NOW - 200, resizedAt: [NOW - 200] } },
    },
    {
      name: 'when it was resized too often',
      job: { limits: { maxRescalesPerHour: 1 }, history: { resizedAt: [NOW - 3000] } },
    },
    { name: 'when that saves less than the minimum', job: { limits: { minimumGainFraction: 0.95 } } },
    { name: 'when it is to be told only', job: { limits: { mode: 'Recommend' } } },
    { name: 'when its user holds it', job: { held: { everything: true } } },
  ];
  for (const { name, job = {}, on = pool(NIGHT) } of goesOn) {
    it(`goes on ${name}`, () => {
      const decision = decide(aRun(job), on);
      expect(decision.action, decision.message).to.equal('Hold');
      expect(decision.target).to.eql(aRun(job).history.current);
    });
  }

  it('changes only the workers where it may not pause', () => {
    const limits = { canPause: false, canRescale: true, maxReplicas: 8, deadline: NOW + 14 * HOUR };
    const decision = decide(aRun({ limits: { ...limits, timeValuePerHour: 0.02 } }, 4), pool(NIGHT));
    expect(decision).to.include({ action: 'Resize', reason: 'CheaperHours' });
    expect(decision.target.replicas).to.be.within(1, 3);
    expect(decision.message).to.match(/^4→\d workers in these hours: saves/);
  });

  it('never waits so long that the deadline is missed', () => {
    const price = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(price, { minLength: 24, maxLength: 24 }),
        fc.integer({ min: 5, max: 24 }),
        (prices, left) => {
          const deadline = NOW + left * HOUR;
          const { action, until, plan } = decide(aRun({ limits: { deadline } }), pool(prices));
          if (action !== 'Pause') return;
          const needed = plan?.current.secondsToTarget90 ?? Number.POSITIVE_INFINITY;
          expect((until ?? Number.POSITIVE_INFINITY) + needed).to.be.at.most(deadline);
        },
      ),
    );
  });

  it('decides the same however often it was asked before', () => {
    const job = aRun({ limits: { deadline: NOW + 20 * HOUR } });
    const forget = (each: JobSnapshot) => ({ ...each, evidence: { ...each.evidence } });
    for (let seconds = 0; seconds < 1000; seconds += 70) {
      const again = decide(job, pool(NIGHT), NOW + seconds);
      expect(decide(forget(job), pool(NIGHT), NOW + seconds)).to.eql(again);
    }
  });

  it('is no rest that is over sooner than the next change is allowed', () => {
    const job = aRun({ limits: { stalenessLimitSeconds: 1e6 } });
    const almost = NOW + 6 * HOUR - 100;
    expect(decide(job, pool(NIGHT), almost).action).to.equal('Hold');
    expect(decide(job, pool(NIGHT), almost - 300).action).to.equal('Pause');
  });
});

describe('planFleet by the hour, for a job that is paused', () => {
  it('waits, though no step is made', () => {
    const decision = decide(paused(), pool(NIGHT), NOW + 5 * HOUR);
    expect(decision).to.include({ action: 'Hold', reason: 'WaitingForHours', until: NOW + 6 * HOUR });
    expect(decision.message).to.equal('paused for another 60m until hours that cost less');
  });

  const resumes: readonly {
    readonly name: string;
    readonly job?: JobParts;
    readonly on?: PoolSnapshot;
    readonly now?: number;
    readonly reason?: string;
  }[] = [
    { name: 'when its hours have come', now: NOW + 6 * HOUR, reason: 'CheaperHours' },
    {
      name: 'when the deadline leaves no time to wait',
      job: { limits: { deadline: NOW + 5.5 * HOUR } },
      reason: 'CheaperHours',
    },
    { name: 'when the deadline is out of reach', job: { limits: { deadline: NOW + HOUR } } },
    { name: 'when nothing is said of hours any more', on: pool(undefined) },
    { name: 'when it may not pause any more', job: { limits: { canPause: false } } },
    { name: 'when it is to be told only', job: { limits: { mode: 'Recommend' } } },
  ];
  for (const { name, job = {}, on = pool(NIGHT), now = NOW, reason = 'NoReasonToWait' } of resumes) {
    it(`goes on ${name}`, () => {
      const decision = decide(paused(job), on, now);
      expect(decision).to.include({ action: 'Resume', reason });
      expect(decision.target).to.eql(paused(job).history.current);
    });
  }

  it('waits for room, and says so', () => {
    const full = pool(NIGHT, { foreignGpus: 16 });
    expect(decide(paused(), full, NOW + 6 * HOUR)).to.include({ action: 'Hold', reason: 'PoolFull' });
  });

  it('waits for nodes that the pool does not deliver', () => {
    const stockOutUntil = NOW + 7 * HOUR;
    const decision = decide(paused(), pool(NIGHT, { stockOutUntil }), NOW + 6 * HOUR);
    expect(decision).to.include({ action: 'Hold', reason: 'StockOut', until: stockOutUntil });
  });

  it('is left alone when its user holds it', () => {
    expect(decide(paused({ held: { everything: true } }), pool(undefined))).to.include({
      action: 'Hold',
      reason: 'HeldByUser',
    });
  });

  it('leaves its GPUs to others, and two do not take the same', () => {
    const one = pool(undefined, { maxNodes: 1 });
    const plan = planFleet(aSnapshot([paused(), { ...paused(), key: 'team/second' }], [one]));
    expect(plan.decisions.map(({ action }) => action)).to.eql(['Resume', 'Hold']);
  });
});
