// The setting of most tests: a prepared cluster, an operator, one run with its folder; all gone at the end.

import type { KubeClient } from '../../src/kube/kube-client.ts';
import { connectToCluster, createJob, deleteJob, prepareCluster, untilJob } from './e2e-cluster.ts';
import { OperatorProcess } from './e2e-operator.ts';
import { RunFolder } from './e2e-trace.ts';
import { aTrainingJob, type JobOptions } from './e2e-training-job.ts';

export interface Stage {
  readonly client: KubeClient;
  readonly operator: OperatorProcess;
  readonly folder: RunFolder;
  /** Creates the run and waits until it makes steps. */
  train(options: Omit<JobOptions, 'name' | 'folder'>): Promise<void>;
}

/** Registers the hooks of a `describe`. */
export function setStage(name: string): Stage {
  const client = connectToCluster();
  const operator = new OperatorProcess({ log: name });
  const folder = new RunFolder(name);

  before(async () => {
    await prepareCluster(client);
    await operator.start();
  });
  after(async () => {
    await operator.stop();
    await deleteJob(client, name);
    client.close();
    folder.remove();
  });
  const train: Stage['train'] = async (options) => {
    await createJob(client, aTrainingJob({ ...options, name, folder }));
    await untilJob(client, name, { what: 'it trains', seconds: 120 }, ({ status }) => status?.state === 'Running');
  };
  return { client, operator, folder, train };
}
