import type { TrainingProfile } from '../api/training-profile.ts';
import {
  GPU_POOLS,
  SCALING_POLICIES,
  TRAINING_JOBS,
  TRAINING_PROFILES,
  type TrainingJobObject,
  type TrainingProfileObject,
} from '../controllers/kinds.ts';
import { storeRuns } from '../controllers/training-profile/store-runs.ts';
import { connect } from '../kube/connect.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Documents } from './documents.ts';
import { EXIT, Problem } from './problem.ts';

export interface ClusterOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
}

/** The part of a cluster that commands ask; opened when it is first needed. */
export interface Cluster {
  readonly namespace: string;
  surroundings(namespace: string): Promise<Omit<Documents, 'jobs'>>;
  job(name: string): Promise<TrainingJobObject>;
  profile(name: string): Promise<TrainingProfile | undefined>;
  /** In place of what was read. @throws isConflict when it was changed since */
  storeRuns(name: string, known: TrainingProfile | undefined, runs: TrainingProfile['spec']['runs']): Promise<void>;
  close(): void;
}

const REQUEST_TIMEOUT_SECONDS = 10;

/** @throws Problem when there is no usable kubeconfig */
export function openCluster(options: ClusterOptions): Cluster {
  const client = clientFor(options);
  const namespace = options.namespace ?? client.defaultNamespace;
  return {
    namespace,
    async surroundings(jobNamespace) {
      const [pools, policies, profiles] = await Promise.all([
        client.list(GPU_POOLS),
        client.list(SCALING_POLICIES),
        client.list(TRAINING_PROFILES, { namespace: jobNamespace }),
      ]);
      return { pools: pools.items, policies: policies.items, profiles: profiles.items };
    },
    async job(name) {
      const found = await client.get(TRAINING_JOBS, { namespace, name });
      if (found !== undefined) return found;
      const remedy = 'kubectl get trainingjobs --all-namespaces lists those there are; -n chooses the namespace';
      throw new Problem(EXIT.notFound, `there is no TrainingJob ${name} in namespace ${namespace}: ${remedy}`);
    },
    profile: (name) => client.get(TRAINING_PROFILES, { namespace, name }),
    async storeRuns(name, known, runs) {
      await storeRuns(client, { namespace, name }, known as TrainingProfileObject | undefined, runs);
    },
    close: () => client.close(),
  };
}

function clientFor({ kubeconfig, context }: ClusterOptions): KubeClient {
  try {
    return connect({
      kubeconfigPath: kubeconfig,
      context,
      requestTimeoutSeconds: REQUEST_TIMEOUT_SECONDS,
      userAgent: 'kubectl-stepwise',
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Problem(
      EXIT.unreachable,
      `${message}\nName a kubeconfig with --kubeconfig, or give plan the GPUPools with -f.`,
    );
  }
}
