import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { realNode, repositoryDirectory } from '../../../deploy/dev/settings.ts';
import { NODES, PODS } from '../../../src/controllers/kinds.ts';
import { at, conditionOf, podsOf, until, untilJob, waitForNode } from '../../support/e2e-cluster.ts';
import { record } from '../../support/e2e-results.ts';
import { setStage } from '../../support/e2e-stage.ts';
import { gapsOf, restartsOf } from '../../support/e2e-trace.ts';

const CHECKPOINT_SECONDS = 10;

describe('a worker is taken away', function () {
  this.timeout(400_000);
  const name = 'disruption';
  const { client, folder, train } = setStage(name);
  after(restoreNode);

  it('a deleted pod is replaced and goes on from a checkpoint', async () => {
    const args = ['--micro-batch-size=64', '--target-loss=0', `--checkpoint-every-seconds=${CHECKPOINT_SECONDS}`];
    await train({ mode: 'Auto', globalBatchSize: 64, program: 'traced.py', args, targetLoss: 1.2 });
    await until('a checkpoint interval has passed', 60, async () => {
      const trace = folder.trace();
      return { done: (trace.at(-1)?.endedAt ?? 0) - (trace[0]?.endedAt ?? 0) > CHECKPOINT_SECONDS };
    });
    const [pod] = await podsOf(client, name);
    await client.delete(PODS, at(pod?.metadata.name ?? ''), { gracePeriodSeconds: 1 });
    await untilRestarts(1);
    expectLittleLost('podDeleted');
  });

  it('a deleted node leaves the run waiting for a place, which the condition says, and it goes on', async () => {
    await client.delete(NODES, { name: realNode.name });
    await untilJob(client, name, { what: 'the condition says that there is no place', seconds: 150 }, (job) => {
      return conditionOf(job, 'CapacityReady')?.status === 'False' && conditionOf(job, 'Running')?.status === 'False';
    });
    await restoreNode();
    await untilRestarts(2);
    expectLittleLost('nodeDeleted');
    await untilJob(client, name, { what: 'all is well', seconds: 60 }, (job) => {
      return conditionOf(job, 'CapacityReady')?.status === 'True' && conditionOf(job, 'Running')?.status === 'True';
    });
  });

  async function untilRestarts(count: number): Promise<void> {
    await until(`${count} restarts`, 120, async () => {
      const restarts = restartsOf(folder.trace());
      return { done: restarts.length >= count, seen: restarts };
    });
  }

  function expectLittleLost(entry: string): void {
    const restarts = restartsOf(folder.trace());
    record('faults', entry, restarts.at(-1));
    expect(gapsOf(folder.trace())).to.deep.equal([]);
    for (const { lostSteps, lostSeconds } of restarts) {
      expect(lostSteps, 'steps skipped are counted negative').to.be.at.least(0);
      expect(lostSeconds).to.be.at.most(CHECKPOINT_SECONDS + 1);
    }
  }

  /** A kubelet registers its node when it starts, and `up` gives it its GPUs. */
  async function restoreNode(): Promise<void> {
    if ((await client.get(NODES, { name: realNode.name })) !== undefined) return;
    const run = promisify(execFile);
    const cluster = path.join(repositoryDirectory, 'deploy/dev/cluster.ts');
    await run(process.execPath, [cluster, 'stop', 'kubelet']);
    await run(process.execPath, [cluster, 'up', '--node=real']);
    await waitForNode();
  }
});
