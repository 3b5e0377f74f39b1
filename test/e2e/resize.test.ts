import { expect } from 'chai';
import { TRAINING_JOBS } from '../../src/controllers/kinds.ts';
import {
  at,
  connectToCluster,
  createJob,
  deleteJob,
  prepareCluster,
  readJob,
  until,
  untilJob,
} from '../support/e2e-cluster.ts';
import { OperatorProcess } from '../support/e2e-operator.ts';
import { record, round } from '../support/e2e-results.ts';
import { gapsOf, type Restart, RunFolder, restartsOf } from '../support/e2e-trace.ts';
import { aTrainingJob } from '../support/e2e-training-job.ts';

const JOB = 'resize';
const CHECKPOINT_SECONDS = 20;
const GLOBAL_BATCH = 64;
/** Prometheus scrapes and the operator reads every two seconds each; the rest is scheduling. */
const CLOCK_SLACK_SECONDS = 5;

describe('a resize from 1 to 2 and back to 1 worker while the trainer runs', function () {
  this.timeout(400_000);
  const client = connectToCluster();
  const operator = new OperatorProcess({ log: 'resize' });
  const folder = new RunFolder(JOB);
  const measured: number[] = [];

  before(async () => {
    await prepareCluster(client);
    await operator.start();
    const args = [
      `--micro-batch-size=${GLOBAL_BATCH}`,
      '--target-loss=0',
      `--checkpoint-every-seconds=${CHECKPOINT_SECONDS}`,
    ];
    const job = {
      name: JOB,
      mode: 'Observe',
      globalBatchSize: GLOBAL_BATCH,
      program: 'traced.py',
      args,
      folder,
    } as const;
    await createJob(client, aTrainingJob({ ...job, maxReplicas: 2 }));
    await untilJob(client, JOB, { what: 'it trains', seconds: 90 }, ({ status }) => status?.state === 'Running');
  });

  after(async () => {
    await operator.stop();
    await deleteJob(client, JOB);
    client.close();
    folder.remove();
  });

  for (const replicas of [2, 1]) {
    it(`comes to ${replicas}`, async () => {
      await client.setScale(TRAINING_JOBS, at(JOB), { replicas });
      await untilJob(client, JOB, { what: `${replicas} workers train`, seconds: 150 }, ({ status }) => {
        return status?.state === 'Running' && status.readyReplicas === replicas && status.resize === undefined;
      });
      const steps = folder.trace().length;
      await until('steps at the new size', 60, async () => ({ done: folder.trace().length > steps + 20 }));
      expect(folder.trace().at(-1)?.ranks).to.equal(replicas);
      expect(folder.trace().at(-1)?.samples, 'global batch').to.equal(GLOBAL_BATCH);
      measured.push(Number((await readJob(client, JOB)).status?.restartSeconds?.value));
    });
  }

  it('continues from a checkpoint and loses at most one checkpoint interval', () => {
    const trace = folder.trace();
    const restarts = restartsOf(trace);
    record('resize', 'restarts', restarts);
    expect(gapsOf(trace), 'steps lost or repeated while it ran').to.deep.equal([]);
    expect(restarts.map(({ ranksBefore, ranksAfter }) => [ranksBefore, ranksAfter])).to.deep.equal([
      [1, 2],
      [2, 1],
    ]);
    for (const { lostSteps, lostSeconds } of restarts) {
      expect(lostSteps, 'steps skipped are counted negative').to.be.at.least(0);
      expect(lostSeconds).to.be.at.most(CHECKPOINT_SECONDS);
    }
  });

  it('notes what it cost for the next decision', async () => {
    const truth = restartsOf(folder.trace()).map(({ secondsWithoutSteps }: Restart) => secondsWithoutSteps);
    const [first = 0, second = 0] = truth;
    record('resize', 'restartSeconds', { measured, truth: truth.map((seconds) => round(seconds, 1)) });
    // The status keeps a mean in which the newest has half the weight.
    expect(measured[0]).to.be.closeTo(first, CLOCK_SLACK_SECONDS);
    expect(measured[1]).to.be.closeTo((first + second) / 2, CLOCK_SLACK_SECONDS);
    expect((await readJob(client, JOB)).status?.rescales).to.equal(2);
  });
});
