import { expect } from 'chai';
import {
  conditionOf,
  connectToCluster,
  createJob,
  deleteJob,
  PRICE_PER_WORKER_HOUR,
  prepareCluster,
  readJob,
  until,
  untilJob,
} from '../support/e2e-cluster.ts';
import { measureNoiseScale, sweepStepTimes } from '../support/e2e-offline-sweep.ts';
import { OperatorProcess } from '../support/e2e-operator.ts';
import { PodLedger } from '../support/e2e-pod-ledger.ts';
import { median, record, round } from '../support/e2e-results.ts';
import { RunFolder } from '../support/e2e-trace.ts';
import { aTrainingJob } from '../support/e2e-training-job.ts';

/** The user's poor guess, a batch that many start with, and the fixed batches of a sweep that finds a better one. */
const GUESS = 32;
const SWEEP = [128, 512, 1024];
const TARGET_LOSS = Number(process.env['STEPWISE_E2E_TARGET_LOSS'] ?? 1.52);
const SEEDS = Array.from({ length: Number(process.env['STEPWISE_E2E_SEEDS'] ?? 1) }, (_, seed) => seed);
const IS_BENCH = SEEDS.length > 1;
const RESULTS = IS_BENCH ? 'bench-e2e' : 'e2e';
const RUN_SECONDS = 1500;
const MOST_OF_GUESS = 0.6;
/** One seed on a machine that others use scatters by a fifth either way; the claim is about the median of the bench. */
const MOST_OF_BEST = IS_BENCH ? 1.15 : 1.5;
const MOST_OFF = IS_BENCH ? 0.2 : 0.5;
/** A pod is paid for from its place on the node to the operator's last look at it. */
const SLACK_SECONDS = 5;

interface Run {
  readonly name: string;
  readonly seed: number;
  readonly workerSeconds: number;
  readonly costUsd: number;
  readonly batches: readonly number[];
  readonly estimate: object | undefined;
  readonly accruedUsd: number;
}

describe(`cost to validation loss ${TARGET_LOSS}, from container start to finish`, function () {
  this.timeout(RUN_SECONDS * 1000);
  const client = connectToCluster();
  const operator = new OperatorProcess({ log: 'cost-to-target' });
  const runs: Run[] = [];

  before(async () => {
    await prepareCluster(client);
    await operator.start();
  });
  after(async () => {
    await operator.stop();
    client.close();
  });

  for (const seed of SEEDS) {
    for (const batch of [GUESS, ...SWEEP]) {
      it(`seed ${seed}: global batch ${batch} held fixed`, async () => {
        const run = await train({ name: `fixed-${batch}`, seed, mode: 'Observe', batch });
        expect(run.batches, 'Observe changes nothing').to.deep.equal([batch]);
      });
    }
    it(`seed ${seed}: Auto from global batch ${GUESS}`, async () => {
      const run = await train({ name: 'auto', seed, mode: 'Auto', batch: GUESS });
      expect(run.batches.length, 'batches that were in force').to.be.greaterThan(1);
    });
  }

  it('is at most 0.6 of the guess and 1.15 of the best fixed batch', () => {
    const of = (name: string) => median(runs.filter((run) => run.name === name).map((run) => run.costUsd));
    const sweep = Object.fromEntries(SWEEP.map((batch) => [batch, of(`fixed-${batch}`)]));
    const best = Math.min(...Object.values(sweep));
    const ofGuess = of('auto') / of(`fixed-${GUESS}`);
    const ofBest = of('auto') / best;
    const figures = { guessUsd: of(`fixed-${GUESS}`), sweepUsd: sweep, autoUsd: of('auto') };
    record(RESULTS, 'comparison', { ...figures, ofGuess: round(ofGuess), ofBest: round(ofBest), seeds: SEEDS.length });
    expect(ofGuess, 'Auto as a share of the guess').to.be.at.most(MOST_OF_GUESS);
    expect(ofBest, 'Auto as a share of the best of the sweep').to.be.at.most(MOST_OF_BEST);
  });

  it('counts the same cost as the API server', () => {
    for (const { name, accruedUsd, costUsd } of runs) {
      expect(accruedUsd, name).to.be.closeTo(
        costUsd,
        Math.max(0.1 * costUsd, SLACK_SECONDS * (PRICE_PER_WORKER_HOUR / 3600)),
      );
    }
  });

  it('decides for the right reason: the step time is that of an offline sweep, within 20 %', async () => {
    const fit = await sweepStepTimes([GUESS, ...SWEEP]);
    const compared = {
      overheadSeconds: compare(ofAutos('overheadSecondsPerMicroStep', 'value'), fit.aSeconds),
      secondsPerSample: compare(ofAutos('secondsPerSample', 'value'), fit.bSecondsPerSample),
    };
    record(RESULTS, 'stepTime', compared);
    for (const [what, { share }] of Object.entries(compared))
      expect(share, what).to.be.within(1 - MOST_OFF, 1 + MOST_OFF);
  });

  it('decides for the right reason: the noise scale is that of an offline training, within 20 % or its own interval', async () => {
    const compared = compare(ofAutos('gradientNoiseScale', 'value'), await measureNoiseScale(TARGET_LOSS));
    const { offline, share } = compared;
    const interval = { low: ofAutos('gradientNoiseScale', 'low'), high: ofAutos('gradientNoiseScale', 'high') };
    record(RESULTS, 'noiseScale', { ...compared, interval });
    expect(interval.low, 'low end').to.be.above(0);
    // In a run this short the operator may not know it that well; then it has to say so, and be right about that, which
    // a single run is not in one case of ten.
    const known = Math.abs(share - 1) <= MOST_OFF;
    if (IS_BENCH && !known) expect(offline, 'the truth').to.be.within(interval.low, interval.high);
  });

  function ofAutos(field: string, end: 'value' | 'low' | 'high'): number {
    return median(runs.filter(({ name }) => name === 'auto').map(({ estimate }) => estimateOf(estimate, field, end)));
  }

  async function train(how: { name: string; seed: number; mode: 'Observe' | 'Auto'; batch: number }): Promise<Run> {
    const { seed, mode, batch } = how;
    const name = `${how.name}-${seed}`;
    const folder = new RunFolder(name);
    const args = [`--micro-batch-size=${batch}`, `--target-loss=${TARGET_LOSS}`, `--seed=${seed}`];
    const common = ['--linger-seconds=3', '--memory-limit-mib=4096'];
    const job = { name, mode, globalBatchSize: batch, program: 'char-lm', folder, targetLoss: TARGET_LOSS } as const;
    const ledger = new PodLedger(client, name);
    const batches = new Set<number>();
    try {
      await createJob(client, aTrainingJob({ ...job, args: [...args, ...common] }));
      await untilJob(client, name, { what: 'the run has ended', seconds: RUN_SECONDS - 60 }, (seen) => {
        const now = seen.status?.batch?.globalBatchSize;
        if (now !== undefined) batches.add(now);
        return ['Complete', 'Failed'].some((type) => conditionOf(seen, type)?.status === 'True');
      });
      await until('the last container has finished', 20, async () => ({ done: ledger.hasEnded, seen: ledger.runs }));
      const ended = await readJob(client, name);
      expect(conditionOf(ended, 'Complete')?.status, 'the target was reached').to.equal('True');
      const run = {
        name: how.name,
        seed,
        workerSeconds: ledger.workerSeconds,
        costUsd: ledger.costUsd,
        batches: [...batches],
        estimate: ended.status?.estimate,
        accruedUsd: Number(ended.status?.cost?.accrued),
      };
      runs.push(run);
      record(RESULTS, name, { ...run, decisions: ended.status?.decisions });
      return run;
    } finally {
      await ledger.close();
      await deleteJob(client, name);
      folder.remove();
    }
  }
});

interface Compared {
  readonly operator: number;
  readonly offline: number;
  readonly share: number;
}

function compare(operator: number, offline: number): Compared {
  return { operator, offline, share: round(operator / offline) };
}

function estimateOf(estimate: object | undefined, field: string, end: 'value' | 'low' | 'high'): number {
  const interval = (estimate as Record<string, Record<string, string> | undefined> | undefined)?.[field];
  return Number(interval?.[end] ?? Number.NaN);
}
