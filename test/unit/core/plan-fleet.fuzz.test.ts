import { expect } from 'chai';
import fc from 'fast-check';
import { planFleet } from '../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf } from '../../support/a-job.ts';
import { brokenPromises } from '../../support/plan-invariants.ts';
import { randomSnapshot } from '../../support/random-snapshots.ts';

const SNAPSHOTS = 2000;

const KNOWN = { overheadSeconds: 0.1, secondsPerSample: 0.001, gradientNoiseScale: 5000, timed: [aConfiguration()] };

describe('planFleet, of random snapshots', () => {
  it('keeps its promises (npm run fuzz plans many more)', function () {
    this.timeout(60_000);
    const seed = fc.readConfigureGlobal().seed ?? 1;
    for (let index = 0; index < SNAPSHOTS; index++) {
      const problems = brokenPromises(randomSnapshot(seed, index));
      expect(problems, `npm run fuzz -- --seed ${seed} --index ${index}`).to.eql([]);
    }
  });

  it('comes to an end when the noise scale is no number', () => {
    const evidence = evidenceOf(KNOWN);
    const broken = { ...evidence, noise: { ...evidence.noise, trace: Number.NaN } };
    const [decision] = planFleet(aSnapshot([aJob({ evidence: broken })])).decisions;
    expect(decision?.estimate?.gradientNoiseScale).to.equal(undefined);
    expect(decision?.action).to.equal('Hold');
  });

  it('does not take a price that is no number for nothing', () => {
    const pool = aPool({ pricePerNodeHour: Number.NaN });
    const [decision] = planFleet(aSnapshot([aJob({ evidence: evidenceOf(KNOWN) })], [pool])).decisions;
    expect(decision).to.deep.include({ action: 'Hold', message: 'pool pool or its price is not known' });
  });

  it('does not take a sample of an unknown instant for a fresh one', () => {
    const evidence = evidenceOf(KNOWN);
    const last = { ...(evidence.last ?? expect.fail('a reading')), observedAt: Number.NaN };
    const [decision] = planFleet(aSnapshot([aJob({ evidence: { ...evidence, last } })])).decisions;
    expect(decision?.reason).to.equal('MetricsStale');
  });

  it('tells time instead of cost where a pool costs nothing', () => {
    const job = aJob({ limits: { timeValuePerHour: 1 }, evidence: evidenceOf(KNOWN) });
    const [decision] = planFleet(aSnapshot([job], [aPool({ pricePerNodeHour: 0 })])).decisions;
    expect(decision?.action).to.equal('Reload');
    expect(decision?.message).to.match(/% time per step/);
  });
});
