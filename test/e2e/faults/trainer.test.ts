import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { conditionOf, readJob, untilJob } from '../../support/e2e-cluster.ts';
import { record } from '../../support/e2e-results.ts';
import { setStage } from '../../support/e2e-stage.ts';
import { gapsOf, restartsOf } from '../../support/e2e-trace.ts';

/** Several acknowledgement timeouts, cooldowns and planning cycles. */
const QUIET_SECONDS = 40;

describe('a trainer that acknowledges nothing', function () {
  this.timeout(240_000);
  const name = 'never-acknowledges';
  const { client, train } = setStage(name);

  it('is left alone, and the condition says so', async () => {
    const args = ['--acknowledge=0'];
    await train({ mode: 'Auto', globalBatchSize: 16, program: 'scripted.py', args, targetLoss: 1.6 });
    await untilNotAcked();
    await expectQuiet({ changes: 0 });
  });

  async function untilNotAcked(): Promise<void> {
    await untilJob(client, name, { what: 'ConfigInSync says ReloadNotAcked', seconds: 60 }, (job) => {
      return conditionOf(job, 'ConfigInSync')?.reason === 'ReloadNotAcked';
    });
  }

  it('is changed once and taken back once when it stops doing so', async () => {
    const args = ['--acknowledge=1'];
    await train({ mode: 'Auto', globalBatchSize: 16, program: 'scripted.py', args, targetLoss: 1.6 });
    await untilNotAcked();
    await expectQuiet({ changes: 1 });
    expect((await readJob(client, name)).status?.batch?.globalBatchSize, 'the batch that it runs').to.equal(16);
  });

  async function expectQuiet({ changes }: { changes: number }): Promise<void> {
    const before = await readJob(client, name);
    await sleep(QUIET_SECONDS * 1000);
    const { status } = await readJob(client, name);
    const actions = status?.decisions?.map(({ action }) => action) ?? [];
    record('faults', `acknowledges ${changes} versions`, { actions, version: status?.batch?.version });
    expect(status?.batch?.version, 'version').to.equal(before.status?.batch?.version);
    expect(actions.filter((action) => action === 'ChangeBatch')).to.have.length(changes);
    expect(actions.filter((action) => action === 'RollBackBatch')).to.have.length(changes);
    expect(conditionOf(await readJob(client, name), 'ConfigInSync')?.reason).to.equal('ReloadNotAcked');
  }
});

/** 34 MiB for the model and 42 KiB for each sample: 97 samples fit, and the gauge makes it look like hundreds. */
const MEMORY_LIMIT_MIB = 38;
const MEMORY_SHARE = 0.1;
const FITTING = 97;

describe('a trainer that runs out of memory at a new micro batch', function () {
  this.timeout(300_000);
  const name = 'out-of-memory';
  const { client, folder, train } = setStage(name);

  it('keeps the old one, loses no step, and gets passes that fit', async () => {
    const args = ['--micro-batch-size=32', '--target-loss=0', `--memory-limit-mib=${MEMORY_LIMIT_MIB}`];
    const environment = { E2E_MEMORY_SHARE: String(MEMORY_SHARE) };
    await train({ mode: 'Auto', globalBatchSize: 32, program: 'traced.py', args, environment, targetLoss: 1.2 });
    await untilJob(client, name, { what: 'the trainer refuses a micro batch', seconds: 120 }, ({ status }) => {
      return status?.batch?.rejectedReason === 'out_of_memory' && status.batch.microBatchSizeCeiling !== undefined;
    });
    await untilJob(client, name, { what: 'a larger batch of passes that fit runs', seconds: 90 }, ({ status }) => {
      const last = folder.trace().at(-1);
      return (last?.samples ?? 0) > 32 && status?.tuning === undefined;
    });
    await sleep(20_000);

    const trace = folder.trace();
    const { status } = await readJob(client, name);
    const refused = status?.decisions?.filter(({ reason }) => reason === 'RejectedByTrainer') ?? [];
    const microBatches = [...new Set(trace.map(({ microBatchSize }) => microBatchSize))];
    record('faults', 'outOfMemory', { ceiling: status?.batch?.microBatchSizeCeiling, refused, microBatches });
    expect(refused.length, 'attempts that did not fit').to.be.within(1, 3);
    expect(refused[0]?.message).to.include('out_of_memory');
    expect(Math.max(...microBatches), 'largest micro batch that ran').to.be.at.most(FITTING);
    expect(gapsOf(trace)).to.deep.equal([]);
    expect(restartsOf(trace)).to.deep.equal([]);
  });
});
