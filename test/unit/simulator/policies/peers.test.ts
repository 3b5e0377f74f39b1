import { expect } from 'chai';
import { staticOracle } from '../../../../src/simulator/policies/static-oracle.ts';
import { simulate } from '../../../../src/simulator/run.ts';
import type { Scenario, ScenarioText } from '../../../../src/simulator/scenario.ts';
import { readJobs } from '../../../../src/simulator/traces/jobs.ts';
import { A_POOL, aScenario, aTraceFolder } from '../../../support/a-scenario.ts';

/** Batch 40 takes 600 × 0.28 s on two GPUs of one node. */
const PLACEMENTS = `placement,local_bsz,step_time,sync_time
1,10,0.2,0.0
1,40,0.5,0.0
2,10,0.22,0.05
2,40,0.4,0.05
`;
const HEADER = 'name,time,application,num_replicas,batch_size';

/** Jobs that come in at once, each with its published completion time. */
function scenarioOf(
  jobs: readonly { readonly gpus: number; readonly batch: number; readonly due: number }[],
  parts: Partial<ScenarioText> = {},
): Scenario {
  const lines = jobs.map(({ gpus, batch }, index) => `job${index},0,tiny,${gpus},${batch}`);
  const due = jobs.map((job, index) => `job${index},${job.due}`);
  const folder = aTraceFolder({
    'traces/tiny/placements.csv': PLACEMENTS,
    'jobs.csv': `${[HEADER, ...lines].join('\n')}\n`,
    'deadlines.csv': `${['name,pollux_jct_s', ...due].join('\n')}\n`,
  });
  const files = { file: 'jobs.csv', profiles: 'traces', deadlines: { file: 'deadlines.csv', factor: 1 } };
  return aScenario({ jobs: files, ...parts }, folder);
}

describe('static oracle', () => {
  const [pool] = aScenario().pools;
  const oracleFor = (due: number) => {
    const [job] = readJobs(scenarioOf([{ gpus: 1, batch: 10, due }]));
    if (job === undefined || pool === undefined) throw new Error('one job and one pool were given');
    return staticOracle(job, pool);
  };

  it('takes the cheapest layout when there is time', () => {
    // One GPU: 1000 × 0.2 s at batch 10, 600 × 0.5 s at batch 40.
    expect(oracleFor(10_000)).to.deep.include({ gpus: 1, globalBatchSize: 10 });
  });

  it('takes another when the cheapest would be late, and the fastest when all would be', () => {
    expect(oracleFor(199)).to.deep.include({ gpus: 2, globalBatchSize: 40 });
    expect(oracleFor(1)).to.deep.equal(oracleFor(199));
  });
});

describe('greedy shares', () => {
  it('refuses a job whose deadline cannot be met, and keeps the others', async () => {
    const jobs = [
      { gpus: 1, batch: 10, due: 300 },
      { gpus: 1, batch: 10, due: 20 },
    ];
    const result = await simulate(scenarioOf(jobs, { policy: 'GreedyShares' }));
    expect(result.jobs.map(({ refused }) => refused)).to.deep.equal([false, true]);
    expect(result.totals.late).to.equal(0);
  });

  it('lends what nobody needs', async () => {
    const job = { gpus: 1, batch: 40, due: 2000 };
    const result = await simulate(scenarioOf([job], { policy: 'GreedyShares' }));
    // The least share would be one GPU, which takes 300 s.
    expect(result.jobs[0]?.finishedAt).to.be.lessThan(300);
  });
});

describe('carbon greedy', () => {
  it('waits for the greener hour when there is time', async () => {
    const folder = aTraceFolder({
      'zone.csv': `datetime_utc,ci_direct_g_per_kwh\n2023-01-02T00:00:00Z,500\n2023-01-02T01:00:00Z,50\n`,
    });
    const energy = { Z: `${folder}/zone.csv` };
    const pools = [{ ...A_POOL, zone: 'Z' }];
    const jobs = [{ gpus: 1, batch: 10, due: 7000 }];
    const { jobs: done } = await simulate(scenarioOf(jobs, { policy: 'CarbonGreedy', energy, pools }));
    expect(done[0]?.startedAt).to.be.closeTo(3600, 10);
    expect(done[0]?.finishedAt).to.be.lessThan(7000);
  });
});

describe('optimum', () => {
  it('costs no more than first come, first served on the oracle layouts, and is no later', async () => {
    const jobs = [150, 160, 170, 400].map((due) => ({ gpus: 1, batch: 10, due }));
    const pools = [{ ...A_POOL, maxNodes: 2 }];
    const oracle = await simulate(scenarioOf(jobs, { policy: 'StaticOracle', pools }));
    const optimum = await simulate(scenarioOf(jobs, { policy: 'Optimum', pools }));
    expect(optimum.totals.finished).to.equal(4);
    const badness = ({ totals }: typeof oracle) => totals.late * 1000 + totals.gpuHours;
    expect(badness(optimum)).to.be.at.most(badness(oracle) + 1e-9);
  });

  it('says how many jobs are too many', async () => {
    const jobs = Array.from({ length: 60 }, () => ({ gpus: 1, batch: 10, due: 100_000 }));
    const failed = await simulate(scenarioOf(jobs, { policy: 'Optimum' })).catch((error: unknown) => error);
    expect(String(failed)).to.match(/choices, at most 4000 can be solved; set jobs\.first to \d+ or less/);
  });
});
