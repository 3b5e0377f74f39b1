import { expect } from 'chai';
import { demandOn } from '../../../../src/controllers/gpu-pool/demand.ts';
import { aClusterView, aNode, aPod, type ClusterContents } from '../../../support/a-cluster-view.ts';
import { ago } from '../../../support/a-job-view.ts';
import { aGpuPool, aTrainingJob, type GpuPoolParts, type TrainingJobParts } from '../../../support/a-training-job.ts';

interface Story {
  readonly jobs?: readonly TrainingJobParts[];
  readonly pods?: ClusterContents['pods'];
  readonly nodes?: ClusterContents['nodes'];
  readonly pool?: GpuPoolParts['spec'];
  readonly needs: number;
}

const four = { gpusPerNode: 4, limits: { maxNodes: 8 } } as const;
const ended = (type: string) => [
  { type, status: 'True' as const, reason: 'X', message: '', lastTransitionTime: ago(9) },
];
const growing = { phase: 'WaitingForCapacity' as const, from: { replicas: 2 }, to: { replicas: 6 }, startedAt: ago(5) };

const STORIES: Readonly<Record<string, Story>> = {
  'nothing when there are no jobs': { needs: 0 },
  'the fewest nodes that are kept': { needs: 1, pool: { limits: { minNodes: 1, maxNodes: 4 } } },
  'room for what a job has decided on': { jobs: [{ status: { replicas: 4 } }], needs: 2 },
  'nothing for a job that has decided on nothing yet': { jobs: [{}], needs: 0 },
  'the larger size during a resize': { jobs: [{ status: { replicas: 2, resize: growing } }], needs: 3 },
  'room for pods that still stand': {
    jobs: [{ status: { replicas: 1 } }],
    pods: [0, 1, 2].map((index) => aPod(`bert-${index}`, { job: 'bert', node: 'n0' })),
    needs: 2,
  },
  'no room for pods that have ended': {
    jobs: [{ status: { replicas: 1 } }],
    pods: [0, 1, 2].map((index) => aPod(`bert-${index}`, { job: 'bert', node: 'n0', phase: 'Succeeded' })),
    needs: 1,
  },
  'nothing for a job that is complete': {
    jobs: [{ status: { replicas: 4, conditions: ended('Complete') } }],
    needs: 0,
  },
  'room for two jobs on shared nodes': {
    jobs: [
      { name: 'a', status: { replicas: 1 } },
      { name: 'b', status: { replicas: 3 } },
    ],
    needs: 2,
  },
  'no more than may be asked for': { jobs: [{ status: { replicas: 8 } }], pool: { limits: { maxNodes: 3 } }, needs: 3 },
  "room for somebody else's pods": {
    jobs: [{ status: { replicas: 2 } }],
    nodes: [aNode('n0')],
    pods: [aPod('inference', { node: 'n0' })],
    needs: 2,
  },
  'no room for the pods of a DaemonSet': {
    nodes: [aNode('n0')],
    pods: [aPod('exporter', { node: 'n0', gpus: 0, ownerKind: 'DaemonSet' })],
    needs: 0,
  },
  'whole nodes for workers that do not share one': {
    jobs: [{ status: { replicas: 3 }, spec: { elasticity: { gpusPerReplica: 3, maxReplicas: 8 } } }],
    pool: four,
    needs: 3,
  },
  'nodes for workers without GPUs as they are paid for': {
    jobs: [{ status: { replicas: 2 }, spec: { elasticity: { gpusPerReplica: 0, maxReplicas: 8 } } }],
    needs: 2,
  },
  'nothing for a job on another pool': { jobs: [{ status: { replicas: 2, pool: 'a100' } }], needs: 0 },
};

describe('demandOn: a pool needs', () => {
  for (const [name, story] of Object.entries(STORIES)) {
    it(name, () => {
      const jobs = (story.jobs ?? []).map(aTrainingJob);
      const cluster = aClusterView({ trainingJobs: jobs, pods: story.pods ?? [], nodes: story.nodes ?? [] });
      const pool = aGpuPool(story.pool === undefined ? {} : { spec: story.pool });
      expect(demandOn(cluster, pool, jobs).nodes).to.equal(story.needs);
    });
  }
});
