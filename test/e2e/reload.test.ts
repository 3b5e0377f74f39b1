import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Freshest } from '../../src/controllers/freshest.ts';
import { CONFIG_MAPS, PODS, type Pod } from '../../src/controllers/kinds.ts';
import { actuate } from '../../src/controllers/training-job/actuate.ts';
import { readTuning } from '../../src/controllers/training-job/tuning-file.ts';
import type { JobView } from '../../src/controllers/training-job/view.ts';
import {
  at,
  connectToCluster,
  createJob,
  deleteJob,
  podsOf,
  prepareCluster,
  readJob,
  until,
  untilJob,
} from '../support/e2e-cluster.ts';
import { OperatorProcess } from '../support/e2e-operator.ts';
import { median, quantile, record, round } from '../support/e2e-results.ts';
import { gapsOf, RunFolder, restartsOf, type TracedStep } from '../support/e2e-trace.ts';
import { aTrainingJob } from '../support/e2e-training-job.ts';

const JOB = 'reload';
const RELOADS = 32;
const GLOBAL_BATCH = 128;
/** One global batch, laid out differently: the gradient, and with it the loss, may not notice. */
const MICRO_BATCHES = [128, 32, 64, 16];
const MOST_SECONDS_P95 = 3;
/** Steps looked at on each side of a change. */
const WINDOW = 15;

describe('a reload of the batch while the trainer runs', function () {
  this.timeout(400_000);
  const client = connectToCluster();
  const operator = new OperatorProcess({ log: 'reload' });
  const folder = new RunFolder(JOB);
  const seconds: number[] = [];
  let trace: readonly TracedStep[] = [];

  before(async () => {
    await prepareCluster(client);
    await operator.start();
    const args = [`--micro-batch-size=${GLOBAL_BATCH}`, '--target-loss=0', '--observe-every-steps=0'];
    const job = {
      name: JOB,
      mode: 'Observe',
      globalBatchSize: GLOBAL_BATCH,
      program: 'traced.py',
      args,
      folder,
    } as const;
    await createJob(client, aTrainingJob(job));
    await untilJob(client, JOB, { what: 'it trains', seconds: 90 }, ({ status }) => status?.state === 'Running');
    // The loss of the first steps falls too fast to compare neighbours.
    await until('a few hundred steps are done', 60, async () => ({
      done: folder.trace().length > 300,
      seen: folder.trace().length,
    }));
  });

  after(async () => {
    await operator.stop();
    await deleteJob(client, JOB);
    client.close();
    folder.remove();
  });

  it(`is acknowledged within ${MOST_SECONDS_P95} s of the patch at p95 of ${RELOADS}`, async () => {
    for (let nth = 1; nth <= RELOADS; nth += 1)
      seconds.push(await reload(MICRO_BATCHES[nth % MICRO_BATCHES.length] ?? 1));
    const figures = { reloads: RELOADS, p50: median(seconds), p95: quantile(seconds, 0.95), max: Math.max(...seconds) };
    record('reload', 'secondsFromPatchToAcknowledgement', figures);
    expect(figures.p95).to.be.below(MOST_SECONDS_P95);
  });

  it('loses and repeats no step', () => {
    trace = folder.trace();
    record('reload', 'steps', { traced: trace.length, gaps: gapsOf(trace), restarts: restartsOf(trace).length });
    expect(gapsOf(trace)).to.deep.equal([]);
    expect(restartsOf(trace), 'restarts').to.deep.equal([]);
    expect(new Set(trace.map(({ samples }) => samples)), 'global batches').to.deep.equal(new Set([GLOBAL_BATCH]));
  });

  it('leaves the loss as continuous as it is between any two steps', () => {
    const changes = changesIn(trace);
    expect(changes.length, 'changes in the trace').to.equal(RELOADS);
    const jumps = changes.map((index) => jumpAt(trace, index));
    const ordinary = trace.map((_, index) => index).filter((index) => index >= 300 && index < trace.length - WINDOW);
    const usual = ordinary.filter((index) => index % 7 === 0).map((index) => jumpAt(trace, index));
    const figures = {
      meanJump: round(mean(jumps), 4),
      meanJumpElsewhere: round(mean(usual), 4),
      largestJump: round(Math.max(...jumps.map(Math.abs)), 4),
      p99JumpElsewhere: round(quantile(usual.map(Math.abs), 0.99), 4),
    };
    record('reload', 'lossAcrossChanges', figures);
    expect(figures.largestJump, 'largest jump, in nats').to.be.at.most(1.5 * figures.p99JumpElsewhere);
    expect(Math.abs(figures.meanJump - figures.meanJumpElsewhere)).to.be.at.most(figures.p99JumpElsewhere / 2);
  });

  it('is followed by the status of the run', async () => {
    const version = trace.at(-1)?.version;
    const { status } = await untilJob(client, JOB, { what: 'the status shows the version', seconds: 20 }, (job) => {
      return job.status?.batch?.appliedVersion === version;
    });
    expect(status?.batch?.microBatchSize).to.equal(trace.at(-1)?.microBatchSize);
    expect((await readJob(client, JOB)).status?.tuning, 'nothing is waited for').to.equal(undefined);
  });

  /** Writes a tuning as the operator does, and returns the seconds until the trainer's own page shows it. */
  async function reload(microBatchSize: number): Promise<number> {
    const configMap = await client.get(CONFIG_MAPS, at(`${JOB}-tuning`));
    const before = readTuning(configMap);
    if (before === undefined) throw new Error(`ConfigMap ${JOB}-tuning holds no tuning`);
    const version = before.version + 1;
    const gradientAccumulationSteps = GLOBAL_BATCH / microBatchSize;
    const tuning = { ...before, version, microBatchSize, gradientAccumulationSteps };
    const monotonicSeconds = () => performance.now() / 1000;
    const livePods = await podsOf(client, JOB);
    const tuningResourceVersion = configMap?.metadata.resourceVersion;
    const view = { job: await readJob(client, JOB), livePods, tuningResourceVersion } as unknown as JobView;
    const actuators = {
      client,
      workerJobs: new Freshest(monotonicSeconds),
      configMaps: new Freshest(monotonicSeconds),
    };
    const address = await addressOf(livePods[0]);
    const sentAt = monotonicSeconds();
    await actuate(actuators as never, view, [{ type: 'WriteTuning', tuning, replicas: 1 }]);
    while ((await versionInForce(address)) < version) {
      if (monotonicSeconds() - sentAt > 60) throw new Error(`version ${version} was not acknowledged within 60 s`);
      await sleep(20);
    }
    const took = monotonicSeconds() - sentAt;
    // Steps enough to compare the loss on both sides.
    const steps = folder.trace().length;
    await until('steps after the change', 60, async () => ({ done: folder.trace().length > steps + 2 * WINDOW }));
    return took;
  }

  async function addressOf(pod: Pod | undefined): Promise<string> {
    const found = pod === undefined ? undefined : await client.get(PODS, at(pod.metadata.name));
    return (found?.status as { podIP?: string } | undefined)?.podIP ?? 'no-address';
  }
});

async function versionInForce(address: string): Promise<number> {
  const page = await (await fetch(`http://${address}:9464/metrics`)).text();
  return Number(/^stepwise_trainer_config_version (\S+)$/m.exec(page)?.[1]);
}

/** Indexes of the first step under each new version. */
function changesIn(trace: readonly TracedStep[]): readonly number[] {
  const firstVersion = trace[0]?.version;
  return trace
    .flatMap((one, index) => {
      const before = trace[index - 1];
      return before === undefined || before.version === one.version || before.version < (firstVersion ?? 0)
        ? []
        : [index];
    })
    .slice(-RELOADS);
}

/** How much higher the mean loss of the steps from here on is than that of those before. */
function jumpAt(trace: readonly TracedStep[], index: number): number {
  const losses = trace.map(({ loss }) => loss);
  return mean(losses.slice(index, index + WINDOW)) - mean(losses.slice(index - WINDOW, index));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
