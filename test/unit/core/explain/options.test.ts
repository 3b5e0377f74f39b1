import { expect } from 'chai';
import { weighedOptions } from '../../../../src/core/explain/options.ts';
import type { JobPlan } from '../../../../src/core/plan/choose.ts';
import type { Evaluation } from '../../../../src/core/plan/evaluate.ts';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, NOW } from '../../../support/a-job.ts';

const interval = (value: number) => ({ value, low: value, high: value });

/** An option of so many workers that counts so much in what is minimised. */
function anOption(replicas: number, objective: number, parts: Partial<Evaluation> = {}): Evaluation {
  return {
    configuration: aConfiguration({ replicas }),
    ratePerHour: replicas,
    meanObjective: objective,
    costToTarget: interval(objective),
    meanCostToTarget: objective,
    secondsToTarget: interval(3600),
    secondsToTarget90: 3600,
    meanSecondsToTarget: 3600,
    stepSeconds: 1,
    stepsToTarget: 3600,
    keepsBudget: true,
    meetsDeadline: true,
    meanObjectiveWithLateness: objective,
    ...parts,
  };
}

function aPlan(parts: Partial<JobPlan> & Pick<JobPlan, 'current' | 'best'>): JobPlan {
  const { current, best } = parts;
  return {
    baseline: undefined,
    savingFraction: 1 - best.meanObjective / current.meanObjective,
    cautiousSavingFraction: 0,
    alternatives: [],
    earliest90: 3600,
    cheapest90: 1,
    ...parts,
  };
}

const share = { pool: 'pool', replicas: 2, worthPerGpu: 1 };
const late = { meetsDeadline: false };
const tooDear = { keepsBudget: false };

describe('the options of a choice', () => {
  const verdictsOf = (plan: JobPlan, objective: 'CostToTarget' | 'TimeToTarget' = 'CostToTarget') =>
    weighedOptions(plan, objective).map(({ evaluation, verdict }) => `${evaluation.configuration.replicas} ${verdict}`);
  const current = anOption(4, 10);
  const best = anOption(2, 8);

  const cases: readonly [string, Partial<JobPlan>, readonly string[], 'TimeToTarget'?][] = [
    ['what costs more', { alternatives: [anOption(3, 9)] }, ['2 Chosen', '4 Current', '3 Dearer']],
    ['what takes longer', { alternatives: [anOption(3, 9)] }, ['2 Chosen', '4 Current', '3 Slower'], 'TimeToTarget'],
    [
      'what ends too late, however cheap',
      { alternatives: [anOption(1, 1, late)] },
      ['2 Chosen', '4 Current', '1 MissesDeadline'],
    ],
    [
      'what exceeds the budget, however fast',
      { alternatives: [anOption(6, 7, tooDear)] },
      ['2 Chosen', '4 Current', '6 ExceedsBudget'],
    ],
    [
      'what others need more',
      { alternatives: [anOption(6, 7)], contest: { share, wanted: aConfiguration({ replicas: 6 }) } },
      ['2 Chosen', '4 Current', '6 NoRoom'],
    ],
    ['what is not free for now', { alternatives: [anOption(6, 7)] }, ['2 Chosen', '4 Current', '6 Held']],
    ['what is in force, once', { best: current }, ['4 Chosen']],
    [
      'what would be in time, where the share is not',
      {
        best: anOption(2, 8, late),
        alternatives: [anOption(6, 20)],
        contest: { share, wanted: aConfiguration({ replicas: 6 }) },
      },
      ['2 Chosen', '4 Current', '6 NoRoom'],
    ],
  ];
  for (const [what, parts, expected, objective] of cases) {
    it(`tell ${what}`, () => {
      expect(verdictsOf(aPlan({ current, best, ...parts }), objective)).to.deep.equal(expected);
    });
  }

  it('are at most six', () => {
    const alternatives = [5, 6, 7, 8, 9, 10].map((replicas) => anOption(replicas, 9 + replicas));
    expect(verdictsOf(aPlan({ current, best, alternatives }))).to.have.lengthOf(6);
  });

  it('of a real plan name each configuration once', () => {
    const layout = (dataParallelSize: number) => ({
      dataParallelSize,
      microBatchSize: 16,
      gradientAccumulationSteps: 1,
      nodes: dataParallelSize,
    });
    const evidence = evidenceOf({
      overheadSeconds: 0.1,
      secondsPerSample: 0.01,
      synchronizationSeconds: 0.01,
      gradientNoiseScale: 900,
      timed: [layout(1), layout(2)],
      referenceSamplesDone: 1_000_000,
    });
    const limits = { maxReplicas: 8, canRescale: true, deadline: NOW + 40_000 };
    const [decision] = planFleet(aSnapshot([aJob({ evidence, limits })], [aPool()])).decisions;
    if (decision?.plan === undefined) throw new Error('nothing was planned');
    const options = weighedOptions(decision.plan, 'CostToTarget');
    const named = options.map(({ evaluation }) => JSON.stringify(evaluation.configuration));
    expect(new Set(named).size).to.equal(named.length);
    expect(named).to.have.length.above(2);
    expect(options.filter(({ verdict }) => verdict === 'Chosen')).to.have.lengthOf(1);
  });
});
