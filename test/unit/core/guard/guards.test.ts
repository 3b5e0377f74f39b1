import { expect } from 'chai';
import { type JobDecision, planFleet } from '../../../../src/core/plan-fleet.ts';
import type { PoolSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, type JobParts, NOW } from '../../../support/a-job.ts';
import { aReading } from '../../../support/a-reading.ts';

const timed = [16, 64].map((microBatchSize) => aConfiguration({ microBatchSize }));
const known = evidenceOf({ overheadSeconds: 0.0069, secondsPerSample: 0.000065, gradientNoiseScale: 300, timed });

function decide(parts: JobParts, pool: PoolSnapshot = aPool(), others: readonly JobParts[] = []): JobDecision {
  const build = (each: JobParts) => aJob({ ...each, evidence: { ...known, ...each.evidence } });
  const { decisions } = planFleet(aSnapshot([build(parts), ...others.map(build)], [pool]));
  return decisions.find(({ key }) => key === (parts.key ?? 'team/job')) ?? expect.fail('every job gets a decision');
}

const resizing = { canRescale: true, maxReplicas: 8, batchMode: 'Off' } as const;
const onTwo = aConfiguration({ replicas: 2 });
/** A job bound by work per sample, which more workers make faster, and a deadline that one worker misses. */
const late: JobParts = {
  limits: { ...resizing, deadline: NOW + 4000, work: { type: 'ReferenceSamples', referenceSamples: 4_000_000 } },
  history: { current: aConfiguration({ microBatchSize: 64 }) },
  evidence: evidenceOf({ overheadSeconds: 0.0069, secondsPerSample: 0.002, gradientNoiseScale: 300, timed }),
};

describe('guards', () => {
  it('let a clear saving pass', () => {
    expect(decide({})).to.deep.include({ action: 'Reload', reason: 'CheaperBatch' });
    expect(decide({ limits: resizing, history: { current: onTwo } })).to.deep.include({
      action: 'Resize',
      reason: 'CheaperSize',
    });
    expect(decide(late)).to.deep.include({ action: 'Resize', deadlineAtRisk: true });
  });

  const held: readonly {
    readonly name: string;
    readonly parts: JobParts;
    readonly pool?: Partial<PoolSnapshot>;
    readonly want: JobDecision['reason'];
    readonly until?: number;
  }[] = [
    { name: 'workers that do not run', parts: { history: { busyWith: 'NotRunning' } }, want: 'NotRunning' },
    { name: 'no reading', parts: { evidence: { last: undefined } }, want: 'MetricsUnavailable' },
    { name: 'no samples', parts: { evidence: { last: aReading({ samples: undefined }) } }, want: 'MetricsUnavailable' },
    {
      name: 'steps that are no number',
      parts: { evidence: { last: aReading({ steps: Number.NaN }) } },
      want: 'MetricsUnavailable',
    },
    { name: 'an old reading', parts: { evidence: { last: aReading({ observedAt: NOW - 61 }) } }, want: 'MetricsStale' },
    {
      name: 'a trainer that stands',
      parts: { evidence: { progress: { ...known.progress, lastStepAt: NOW - 61 } } },
      want: 'MetricsStale',
    },
    { name: 'a reload under way', parts: { history: { busyWith: 'Reload' } }, want: 'ChangeInProgress' },
    { name: 'a resize under way', parts: { history: { busyWith: 'Resize' } }, want: 'ChangeInProgress' },
    { name: 'a pause by annotation', parts: { held: { everything: true } }, want: 'HeldByUser' },
    { name: 'a hold until later', parts: { held: { until: NOW + 5 } }, want: 'HeldByUser', until: NOW + 5 },
    { name: 'one clean reading', parts: { evidence: { cleanReadings: 1 } }, want: 'LearningThroughput' },
    { name: 'no step time', parts: { evidence: { stepTimes: [] } }, want: 'LearningThroughput' },
    { name: 'mode Observe', parts: { limits: { mode: 'Observe' } }, want: 'ObserveOnly' },
    { name: 'a gain below the minimum', parts: { limits: { minimumGainFraction: 0.99 } }, want: 'BelowMinimumGain' },
    {
      name: 'the last hundredth of the work',
      parts: { limits: { work: { type: 'ReferenceSamples', referenceSamples: 1_010_000 } } },
      want: 'NearlyDone',
    },
    { name: 'a tuning without answer', parts: { history: { unacknowledgedSince: NOW - 90 } }, want: 'ReloadNotAcked' },
    {
      name: 'a reload just done',
      parts: { history: { lastReloadAt: NOW - 29 } },
      want: 'StabilizationWindow',
      until: NOW + 1,
    },
    {
      name: 'a resize just done',
      parts: { limits: resizing, history: { current: onTwo, lastResizeAt: NOW - 100 } },
      want: 'StabilizationWindow',
      until: NOW + 200,
    },
    {
      name: 'six resizes in the hour',
      parts: { limits: resizing, history: { current: onTwo, resizedAt: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * 500) } },
      want: 'RescaleRateLimited',
    },
    {
      name: 'a pool that could not deliver',
      parts: late,
      pool: { stockOutUntil: NOW + 60 },
      want: 'StockOut',
      until: NOW + 60,
    },
    { name: 'a batch that is the best', parts: { limits: { batchMode: 'Off' } }, want: 'AtOptimum' },
  ];
  for (const { name, parts, pool, want, until } of held) {
    it(`hold for ${name}: ${want}`, () => {
      const decision = decide(parts, aPool(pool));
      expect(decision.reason, decision.message).to.equal(want);
      expect(decision.action).to.equal('Hold');
      expect(decision.target).to.eql(aJob(parts).history.current);
      if (until !== undefined) expect(decision.until).to.equal(until);
    });
  }

  it('hold while the pool is full, and take what is there', () => {
    const other: JobParts = {
      key: 'team/other',
      limits: { maxReplicas: 4 },
      history: { current: aConfiguration({ replicas: 3 }) },
    };
    expect(decide(late, aPool({ maxNodes: 4 }), [other]).reason).to.equal('PoolFull');
    // The batch of a job that may not grow is still looked after.
    const far = { current: aConfiguration({ microBatchSize: 256 }) };
    const both = decide(
      { ...late, limits: { ...late.limits, batchMode: 'Auto' }, history: far },
      aPool({ maxNodes: 4 }),
      [other],
    );
    expect(both).to.deep.include({ action: 'Reload' });
  });

  it('recommend in mode Recommend, and touch nothing', () => {
    const decision = decide({ limits: { mode: 'Recommend' } });
    expect(decision.action).to.equal('Recommend');
    expect(decision.target).to.eql(aConfiguration());
  });

  it('let the workers go where only the batch is held back', () => {
    const limits = { ...resizing, batchMode: 'Recommend' } as const;
    const decision = decide({ limits, history: { current: onTwo } });
    expect(decision.action).to.equal('Resize');
    expect(decision.target).to.eql(aConfiguration({ microBatchSize: 32 }));
  });

  it('have growth that pays wait for no more than the cooldown, and what is given back for restarts to pay', () => {
    const decideAfter = (seconds: number, replicas: number, timeValuePerHour: number) =>
      decide({
        ...late,
        limits: { ...resizing, timeValuePerHour },
        history: { current: aConfiguration({ replicas, microBatchSize: 64 / replicas }), lastResizeAt: NOW - seconds },
      });
    expect(decideAfter(119, 1, 1000)).to.deep.include({ action: 'Hold', reason: 'StabilizationWindow' });
    expect(decideAfter(120, 1, 1000)).to.deep.include({ action: 'Resize', reason: 'CheaperSize' });
    expect(decideAfter(299, 2, 0)).to.deep.include({ action: 'Hold', reason: 'StabilizationWindow' });
    expect(decideAfter(300, 2, 0)).to.deep.include({ action: 'Resize', reason: 'CheaperSize' });
  });

  it('let the batch go while workers wait for their cooldown', () => {
    const limits = { ...resizing, batchMode: 'Auto' } as const;
    const decision = decide({ limits, history: { current: onTwo, lastResizeAt: NOW - 10 } });
    expect(decision.action).to.equal('Reload');
    expect(decision.target.replicas).to.equal(2);
  });
});
