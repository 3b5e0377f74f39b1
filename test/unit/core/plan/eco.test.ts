import { expect } from 'chai';
import fc from 'fast-check';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import type { EcoLimits, JobSnapshot, PoolHour, PoolSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, type JobParts } from '../../../support/a-job.ts';

/** A Monday at midnight, UTC. */
const START = Date.parse('2026-03-02T00:00Z') / 1000;
const HOUR = 3600;

const anEco = (parts: Partial<EcoLimits> = {}): EcoLimits => ({
  mode: 'Prefer',
  followsPrices: true,
  carbonPricePerKilogram: 0,
  maxPricePerKwh: undefined,
  maxKgCo2ePerKwh: undefined,
  minRenewableShare: undefined,
  maxDelaySeconds: undefined,
  maxPauses: 3,
  mayMissDeadline: false,
  allowed: undefined,
  forbidden: undefined,
  ...parts,
});

const hours = (count: number, of: (index: number) => Partial<PoolHour>): readonly PoolHour[] =>
  Array.from({ length: count }, (_, index) => ({
    from: START + index * HOUR,
    to: START + (index + 1) * HOUR,
    moneyPerKwh: 0.2,
    rentFactor: undefined,
    relativeError: undefined,
    ...of(index),
  }));

const pool = (parts: Partial<PoolSnapshot> = {}) => aPool({ pricePerNodeHour: 0.05, kilowattsPerGpu: 1, ...parts });

/** Some four hours of work on one worker. */
function aRun(eco: EcoLimits, parts: JobParts = {}): JobSnapshot {
  const current = aConfiguration({ microBatchSize: 64 });
  const evidence = evidenceOf({
    overheadSeconds: 0.1,
    secondsPerSample: 0.01,
    gradientNoiseScale: 50_000,
    timed: [current],
  });
  const ages = { ...evidence.progress, lastStepAt: START - 1 };
  const last = evidence.last === undefined ? undefined : { ...evidence.last, observedAt: START - 1 };
  return aJob({
    key: 'team/run',
    ...parts,
    limits: {
      canPause: true,
      batchMode: 'Off',
      eco,
      stalenessLimitSeconds: 1e6,
      work: { type: 'ReferenceSamples', referenceSamples: 2_200_000 },
      ...parts.limits,
    },
    history: { current, ...parts.history },
    evidence: { ...evidence, progress: ages, last, ...parts.evidence },
  });
}

const decide = (job: JobSnapshot, on: PoolSnapshot, now = START) =>
  planFleet({ ...aSnapshot([job], [on]), now }).decisions[0] ?? expect.fail('every job gets a decision');

const MORNING = { timeZone: 'UTC', windows: [{ days: [], fromMinute: 6 * 60, toMinute: 12 * 60 }] };
/** An hour that is clean from the sixth on. */
const CLEAN_LATER = (index: number) => ({ kgCo2ePerKwh: index < 6 ? 0.7 : 0.1, renewableShare: index < 6 ? 0.2 : 0.8 });

describe('planFleet within windows and limits', () => {
  const waits: Record<string, { eco: Partial<EcoLimits>; on?: PoolSnapshot }> = {
    'a window, though nothing is known of prices': { eco: { allowed: MORNING } },
    'a forbidden window': {
      eco: { forbidden: { timeZone: 'UTC', windows: [{ days: [1], fromMinute: 0, toMinute: 360 }] } },
    },
    'a forbidden window where prices are not followed': {
      eco: {
        mode: 'Require',
        followsPrices: false,
        forbidden: { timeZone: 'UTC', windows: [{ days: [1], fromMinute: 0, toMinute: 360 }] },
      },
    },
    'a price below the limit': {
      eco: { maxPricePerKwh: 0.3 },
      on: pool({ hours: hours(30, (index) => ({ moneyPerKwh: index < 6 ? 0.31 : 0.3 })) }),
    },
    'a market price below the limit, where the rent includes electricity': {
      eco: { maxPricePerKwh: 0.3 },
      on: pool({ hours: hours(30, (index) => ({ moneyPerKwh: 0, marketPricePerKwh: index < 6 ? 0.31 : 0.3 })) }),
    },
    'an intensity below the limit': { eco: { maxKgCo2ePerKwh: 0.2 }, on: pool({ hours: hours(30, CLEAN_LATER) }) },
    'a renewable share above the limit': {
      eco: { minRenewableShare: 0.8 },
      on: pool({ hours: hours(30, CLEAN_LATER) }),
    },
    'clean hours, where carbon has a price': {
      eco: { carbonPricePerKilogram: 1 },
      on: pool({ hours: hours(30, CLEAN_LATER) }),
    },
  };
  for (const [what, { eco, on = pool() }] of Object.entries(waits)) {
    for (const mode of ['Prefer', 'Require'] as const) {
      it(`waits for ${what}: ${mode}`, () => {
        const decision = decide(aRun(anEco({ mode, ...eco })), on);
        expect(decision, decision.message).to.include({ action: 'Pause', until: START + 6 * HOUR });
        const paused = aRun(anEco({ mode, ...eco }), {
          history: { busyWith: 'Paused', pauses: 1, pausedSince: START },
        });
        expect(decide(paused, on, START + HOUR)).to.include({ action: 'Hold', reason: 'WaitingForHours' });
        expect(decide(paused, on, START + 6 * HOUR + 1)).to.include({ action: 'Resume' });
      });
    }
  }

  const goesOn: Record<string, { eco: Partial<EcoLimits>; on?: PoolSnapshot; job?: JobParts }> = {
    'when the intensity is not known': { eco: { maxKgCo2ePerKwh: 0.2 }, on: pool({ hours: hours(30, () => ({})) }) },
    'when no hours are known and no windows set': { eco: { maxKgCo2ePerKwh: 0.2 } },
    'when its deadline leaves no time to wait': {
      eco: { mode: 'Require', allowed: MORNING },
      job: { limits: { deadline: START + 5.5 * HOUR } },
    },
    'when it has waited as long as it may': {
      eco: { allowed: MORNING, maxDelaySeconds: 6 * HOUR },
      job: { history: { pausedSeconds: 5 * HOUR } },
    },
    'when waiting would go over the longest delay': { eco: { allowed: MORNING, maxDelaySeconds: 5 * HOUR } },
    'when it has been paused often enough for prices': {
      eco: {},
      on: pool({ hours: hours(30, (index) => ({ moneyPerKwh: index < 6 ? 4 : 0.1 })) }),
      job: { history: { pauses: 3 } },
    },
    'for carbon, when the budget would not last for the hours that are cleaner': {
      eco: { carbonPricePerKilogram: 5 },
      on: pool({ hours: hours(30, (index) => ({ ...CLEAN_LATER(index), moneyPerKwh: index < 6 ? 0.2 : 0.6 })) }),
      job: { limits: { budgetCost: 1.5 } },
    },
  };
  for (const [why, { eco, on = pool(), job }] of Object.entries(goesOn)) {
    it(`goes on ${why}`, () => {
      const decision = decide(aRun(anEco(eco), job), on);
      expect(decision.action, decision.message).to.equal('Hold');
    });
  }

  it('says early how much of it will be in excluded hours, and runs there no longer than it has to', () => {
    // With probability 0.9 some four hours of work, of which the morning before the deadline holds three.
    const deadline = START + 9 * HOUR;
    const { hours: outlook, action } = decide(
      aRun(anEco({ mode: 'Require', allowed: MORNING }), { limits: { deadline } }),
      pool(),
    );
    expect(outlook?.excludedSeconds).to.be.within(0.8 * HOUR, 1.4 * HOUR);
    expect(['Hold', 'Pause']).to.include(action);
  });

  it('takes many short windows rather than to wait until nothing is known of them', () => {
    const lunch = { timeZone: 'UTC', windows: [{ days: [], fromMinute: 720, toMinute: 780 }] };
    const decision = decide(aRun(anEco({ allowed: lunch, mode: 'Require' })), pool());
    expect(decision).to.include({ action: 'Pause', until: START + 12 * HOUR });
  });

  it('says nothing of the kind where all of it has room', () => {
    const { hours: outlook } = decide(aRun(anEco({ allowed: MORNING })), pool());
    expect(outlook).to.deep.equal({ excludedSeconds: 0, unknown: [] });
  });

  it('waits past the deadline where that is allowed', () => {
    const eco = anEco({ mode: 'Require', allowed: MORNING, mayMissDeadline: true });
    const decision = decide(aRun(eco, { limits: { deadline: START + 5.5 * HOUR } }), pool());
    expect(decision).to.include({ action: 'Pause', until: START + 6 * HOUR });
  });

  it('names the signals that it does not know', () => {
    const eco = anEco({ maxKgCo2ePerKwh: 0.2, minRenewableShare: 0.5, allowed: MORNING });
    const known = pool({ hours: hours(30, () => ({ renewableShare: 0.9 })) });
    // Windows go on where the hours end, the signals do not.
    expect(decide(aRun(eco), known).hours?.unknown).to.have.members(['carbon intensity', 'renewable share']);
  });

  it('leaves excluded hours though its trainer is silent, where it must', () => {
    const silent = { evidence: { last: undefined, cleanReadings: 0 } };
    const require = decide(aRun(anEco({ mode: 'Require', allowed: MORNING }), silent), pool());
    expect(require).to.include({ action: 'Pause', reason: 'OutsideHours', until: START + 6 * HOUR });
    expect(decide(aRun(anEco({ allowed: MORNING }), silent), pool()).action).to.equal('Hold');
    const hurried = { ...silent, limits: { deadline: START + 90 * HOUR } };
    expect(decide(aRun(anEco({ mode: 'Require', allowed: MORNING }), hurried), pool()).action).to.equal('Hold');
  });

  it('never starts a wait that the deadline has no time for, whatever is excluded', () => {
    const signal = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(signal, fc.integer({ min: 5, max: 29 }), fc.boolean(), (dirty, left, mustKeep) => {
        const eco = anEco({ mode: mustKeep ? 'Require' : 'Prefer', maxKgCo2ePerKwh: 0.5 });
        const on = pool({ hours: hours(30, (index) => ({ kgCo2ePerKwh: dirty[index] === true ? 0.9 : 0.1 })) });
        const deadline = START + left * HOUR;
        const { action, until, plan } = decide(aRun(eco, { limits: { deadline } }), on);
        if (action !== 'Pause') return;
        const needed = plan?.current.secondsToTarget90 ?? Number.POSITIVE_INFINITY;
        expect((until ?? Number.POSITIVE_INFINITY) + needed).to.be.at.most(deadline);
      }),
    );
  });
});

describe('planFleet for a job that may wait with its start', () => {
  const submitted = (eco: EcoLimits, parts: JobParts = {}) =>
    aRun(eco, {
      ...parts,
      evidence: { last: undefined, cleanReadings: 0 },
      history: { busyWith: 'Waiting', current: aConfiguration({ replicas: 0, nodes: 0 }), ...parts.history },
    });
  const dear = (index: number) => ({ moneyPerKwh: index < 3 ? 4 : index < 5 ? 0.1 : 1 });

  it('holds it until its window opens', () => {
    const decision = decide(submitted(anEco({ allowed: MORNING })), pool());
    expect(decision).to.include({ action: 'Hold', reason: 'WaitingForHours', until: START + 6 * HOUR });
    expect(decision.message).to.equal('waits for 6h: windows or limits exclude this hour');
  });
  it('holds it until an hour that costs less, the cheapest of the day', () => {
    const decision = decide(submitted(anEco()), pool({ hours: hours(30, dear) }));
    expect(decision).to.include({ action: 'Hold', reason: 'WaitingForHours', until: START + 3 * HOUR });
    expect(decision.message).to.match(/^starts in 3h, when an hour costs 9\d% less$/);
  });
  it('starts it then', () => {
    const decision = decide(submitted(anEco()), pool({ hours: hours(30, dear) }), START + 3 * HOUR + 60);
    expect(decision.action, decision.message).to.equal('Start');
  });

  const starts: Record<string, { eco?: Partial<EcoLimits>; on?: PoolSnapshot; job?: JobParts }> = {
    'one with a deadline, of which nobody knows how long it takes': {
      eco: { allowed: MORNING },
      job: { limits: { deadline: START + 40 * HOUR } },
    },
    'one whose longest delay is shorter': { eco: { allowed: MORNING, maxDelaySeconds: 5 * HOUR } },
    'one that has waited as long as it may': {
      eco: { allowed: MORNING, maxDelaySeconds: 6 * HOUR },
      job: { history: { pausedSince: START - HOUR } },
    },
    'one in hours that are all alike': { on: pool({ hours: hours(30, () => ({})) }) },
    'one in hours whose price is not known': { on: pool({ hours: hours(30, () => ({ moneyPerKwh: undefined })) }) },
    'one whose draw would not change what it costs': { on: pool({ kilowattsPerGpu: 0, hours: hours(30, dear) }) },
  };
  for (const [which, { eco, on = pool(), job }] of Object.entries(starts)) {
    it(`starts ${which}`, () => {
      const decision = decide(submitted(anEco(eco), job), on);
      expect(decision.action, decision.message).to.equal('Start');
    });
  }
});
