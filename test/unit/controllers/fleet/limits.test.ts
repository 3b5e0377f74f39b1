import { expect } from 'chai';
import { allowedMode, policyFor, resolveLimits } from '../../../../src/controllers/fleet/limits.ts';
import { aPolicy, aTrainingJob, type TrainingJobParts } from '../../../support/a-training-job.ts';

const limitsOf = (spec: TrainingJobParts['spec'] = {}, policy: Parameters<typeof aPolicy>[0] = {}) =>
  resolveLimits(aTrainingJob({ spec }), aPolicy(policy).spec);

describe('policyFor', () => {
  const general = aPolicy({ cooldownSeconds: 1 }, 'a');
  const first = aPolicy({ namespaces: ['team'], cooldownSeconds: 2 }, 'b');
  const second = aPolicy({ namespaces: ['team'], cooldownSeconds: 3 }, 'c');

  it('prefers one that names the namespace, the first by name', () => {
    expect(policyFor('team', [second, general, first]).cooldownSeconds).to.equal(2);
  });
  it('takes one for all otherwise', () => {
    expect(policyFor('other', [second, general]).cooldownSeconds).to.equal(1);
  });
  it('has defaults where there is none', () => {
    expect(policyFor('other', [second]).cooldownSeconds).to.equal(120);
  });
});

describe('allowedMode', () => {
  const cases = [
    ['Auto', ['Observe', 'Recommend', 'Auto'], 'Auto'],
    ['Auto', ['Observe', 'Recommend'], 'Recommend'],
    ['Recommend', ['Auto'], 'Observe'],
    ['Observe', ['Auto'], 'Observe'],
  ] as const;
  for (const [wished, allowed, want] of cases) {
    it(`makes ${want} of ${wished} where ${allowed.join(', ')} may be used`, () => {
      expect(allowedMode(wished, allowed)).to.equal(want);
    });
  }
});

describe('resolveLimits', () => {
  it('bounds workers by spec.replicas where no maximum is set', () => {
    expect(limitsOf({ elasticity: {} }).maxReplicas).to.equal(2);
  });
  it("bounds an unset maximum batch by the policy's growth", () => {
    expect(limitsOf({ batch: { globalBatchSize: { initial: 100 } } }, { maxBatchGrowthFactor: 3 })).to.include({
      ...{ minGlobalBatchSize: 100, maxGlobalBatchSize: 300 },
    });
  });
  it('starts with the share of a rank as micro batch, at most the bound', () => {
    expect(limitsOf().initialMicroBatchSize).to.equal(128);
    const batch = { globalBatchSize: { initial: 256 }, microBatchSize: { max: 48 } };
    expect(limitsOf({ batch }).initialMicroBatchSize).to.equal(48);
  });
  it('takes the lower of two staleness limits and of two rates of change', () => {
    const limits = limitsOf(
      { metrics: { stalenessLimitSeconds: 90 }, elasticity: { maxRescalesPerHour: 2, maxReplicas: 8 } },
      { stalenessLimitSeconds: 45, maxRescalesPerHour: 5 },
    );
    expect(limits).to.include({ stalenessLimitSeconds: 45, maxRescalesPerHour: 2 });
  });
  it('counts steps as samples at the initial batch', () => {
    expect(limitsOf({ objective: { work: { type: 'Steps', steps: 10 } } }).work).to.deep.equal({
      ...{ type: 'ReferenceSamples', referenceSamples: 2560 },
    });
  });
  it('knows no work that nobody stated', () => {
    expect(limitsOf().work).to.deep.equal({ type: 'Unknown' });
  });
  it('does not change workers where the user does not want it', () => {
    expect(limitsOf({ elasticity: { rescale: 'None', maxReplicas: 8 } }).canRescale).to.equal(false);
  });
});
