import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import type { WorkerJob } from '../../../../src/controllers/kinds.ts';
import { buildService, buildWorkerJob } from '../../../../src/controllers/training-job/indexed-job.ts';
import { buildTuningConfigMap } from '../../../../src/controllers/training-job/tuning-file.ts';
import { aTuning } from '../../../support/a-job-view.ts';
import { aGpuPool, aTrainingJob, type TrainingJobParts } from '../../../support/a-training-job.ts';

type Container = WorkerJob['spec']['template']['spec']['containers'][number];
type PodSpecInput = NonNullable<NonNullable<TrainingJobParts['spec']>['workload']>['podTemplate']['spec'];

const golden = path.join(import.meta.dirname, '../../../golden/workload.yaml');
const build = (podSpec: PodSpecInput, spec: TrainingJobParts['spec'] = {}) =>
  buildWorkerJob(aTrainingJob({ spec: { workload: { podTemplate: { spec: podSpec } }, ...spec } }), aGpuPool(), 2);
const trainerOf = (job: WorkerJob): Container =>
  job.spec.template.spec.containers.find(({ name }) => name === 'trainer') as Container;
const environmentOf = (job: WorkerJob, name: string) => trainerOf(job).env?.filter((each) => each.name === name);

describe('the workload of a job', () => {
  it('is what test/golden/workload.yaml shows; UPDATE_GOLDEN=1 writes it anew', () => {
    const job = aTrainingJob({
      spec: {
        workload: {
          backoffLimit: 3,
          activeDeadlineSeconds: 86_400,
          ttlSecondsAfterFinished: 600,
          podTemplate: {
            metadata: { labels: { team: 'vision' }, annotations: { 'example.com/note': 'kept' } },
            spec: {
              containers: [
                {
                  name: 'trainer',
                  image: 'registry.example.com/trainer:1',
                  command: ['torchrun', 'train.py'],
                  env: [{ name: 'OMP_NUM_THREADS', value: '4' }],
                  resources: { requests: { cpu: '4', memory: '16Gi' } },
                  volumeMounts: [{ name: 'data', mountPath: '/checkpoints' }],
                },
                { name: 'log-shipper', image: 'registry.example.com/logs:1' },
              ],
              volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'bert' } }],
              nodeSelector: { zone: 'a' },
            },
          },
        },
      },
    });
    const objects = [buildWorkerJob(job, aGpuPool(), 2), buildService(job), buildTuningConfigMap(job, aTuning(), 2)];
    const text = objects
      .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text);
    expect(text).to.equal(readFileSync(golden, 'utf8'));
  });

  it("lets the user's environment win, except where the protocol needs its own", () => {
    const env = [
      { name: 'MASTER_PORT', value: '1234' },
      { name: 'STEPWISE_TUNING_FILE', value: '/elsewhere' },
    ];
    const job = build({ containers: [{ name: 'trainer', image: 'i', env }] });
    expect(environmentOf(job, 'MASTER_PORT')).to.deep.equal([{ name: 'MASTER_PORT', value: '1234' }]);
    expect(environmentOf(job, 'STEPWISE_TUNING_FILE')).to.deep.equal([
      { name: 'STEPWISE_TUNING_FILE', value: '/etc/stepwise/tuning.json' },
    ]);
  });

  it('has each name once in its environment and among its ports', () => {
    const ports = [
      { name: 'stepwise', containerPort: 1 },
      { name: 'http', containerPort: 80 },
    ];
    const trainer = trainerOf(build({ containers: [{ name: 'trainer', image: 'i', ports }] }));
    const names = trainer.env?.map(({ name }) => name) ?? [];
    expect(new Set(names).size).to.equal(names.length);
    expect(trainer.ports?.map(({ name, containerPort }) => `${name}:${containerPort}`)).to.deep.equal([
      ...['http:80', 'stepwise:9464'],
    ]);
  });

  it('leaves pods that are restarted in place without a failure policy, which the API server would refuse', () => {
    const containers = [{ name: 'trainer', image: 'i' }];
    expect(build({ containers }).spec.podFailurePolicy).not.to.equal(undefined);
    const restarted = build({ containers, restartPolicy: 'OnFailure' });
    expect(restarted.spec.podFailurePolicy).to.equal(undefined);
    expect(restarted.spec.template.spec.restartPolicy).to.equal('OnFailure');
  });

  it('asks for GPUs as limits, for the trainer alone, and for none where none are wanted', () => {
    const containers = [
      { name: 'trainer', image: 'i' },
      { name: 'sidecar', image: 'i' },
    ];
    const job = build({ containers }, { elasticity: { gpusPerReplica: 2, maxReplicas: 8 } });
    expect(trainerOf(job).resources).to.deep.equal({ limits: { 'nvidia.com/gpu': '2' } });
    expect(job.spec.template.spec.containers[1]).to.deep.equal({ name: 'sidecar', image: 'i' });
    const onCpus = build({ containers }, { elasticity: { gpusPerReplica: 0, maxReplicas: 8 } });
    expect(trainerOf(onCpus).resources).to.equal(undefined);
    expect(onCpus.spec.template.spec.tolerations).to.equal(undefined);
  });

  it('treats a single container of any name as the trainer', () => {
    const job = build({ containers: [{ name: 'main', image: 'i' }] });
    expect(job.spec.template.spec.containers[0]?.env?.[0]?.name).to.equal('STEPWISE_TUNING_FILE');
  });

  it('has a hash that follows the pod template and nothing else', () => {
    const hash = (image: string, replicas: number) =>
      build({ containers: [{ name: 'trainer', image }] }, { replicas }).metadata.annotations?.[
        'stepwise.dev/pod-template-hash'
      ];
    expect(hash('a', 2))
      .to.equal(hash('a', 4))
      .and.to.match(/^[0-9a-f]{16}$/);
    expect(hash('b', 2)).not.to.equal(hash('a', 2));
  });
});
