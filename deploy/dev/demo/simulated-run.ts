// One TrainingJob's training over all its restarts: which workers run, what they read, what they have reached.

import type { Pod, TrainingJobObject } from '../../../src/controllers/kinds.ts';
import { MEASURED_PROFILES } from '../../../src/simulator/measured-profiles.ts';
import { type Checkpoint, SimulatedTrainer, type TrainerFigures } from '../../../src/simulator/trainer.ts';
import {
  type FixedRun,
  fixedRun,
  type StatedWork,
  type TrainingProfile,
  timeLapse,
} from '../../../src/simulator/training-profile.ts';
import { PROFILE_ANNOTATION, TIME_LAPSE } from './settings.ts';

const COMPLETION_INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index';
/** A kubelet brings a changed file to the pod about a second after the pod's annotations were touched. */
const FILE_SYNC_SECONDS = 1;
/** From running to the first step: a real trainer loads its model meanwhile. */
const STARTUP_SECONDS = 0.5;

export interface Seen {
  readonly now: number;
  readonly running: readonly Pod[];
  readonly tuningText: string | undefined;
  /** Workers that the pods were told of when they started. */
  readonly workers: number;
}

interface Incarnation {
  readonly trainer: SimulatedTrainer;
  readonly podUids: string;
}

export class SimulatedRun {
  readonly jobUid: string | undefined;
  readonly #job: TrainingJobObject;
  readonly #seed: number;
  readonly #profile: TrainingProfile;
  readonly #work: StatedWork;
  #incarnation: Incarnation | undefined;
  #complete: { readonly podUids: string; readonly since: number } | undefined;
  #file: { readonly text: string; readonly since: number } | undefined;
  #handedOver: string | undefined;
  #checkpoint: Checkpoint | undefined;
  #starts = 0;
  firstStepAt: number | undefined;
  doneAt: number | undefined;

  constructor(job: TrainingJobObject, seed: number) {
    this.jobUid = job.metadata.uid;
    this.#job = job;
    this.#seed = seed;
    this.#profile = timeLapse(profileOf(job), TIME_LAPSE);
    this.#work = workOf(job);
  }

  get isDone(): boolean {
    return this.doneAt !== undefined;
  }

  /** One look at the world. */
  follow({ now, running, tuningText, workers }: Seen): void {
    // 1. The file in the pods follows the ConfigMap after a moment.
    if (tuningText !== undefined && this.#file?.text !== tuningText) this.#file = { text: tuningText, since: now };

    // 2. The trainer lives exactly as long as its set of workers; what came after its checkpoint is lost with it.
    const podUids = uidsOf(running);
    if (this.#incarnation !== undefined && this.#incarnation.podUids !== podUids) {
      this.#checkpoint = this.#incarnation.trainer.checkpoint;
      this.#incarnation = undefined;
    }
    if (this.#incarnation === undefined && !this.isDone) this.#startWhenComplete({ now, running, workers, podUids });

    // 3. It makes its steps, under the file that has reached it.
    const trainer = this.#incarnation?.trainer;
    if (trainer === undefined) return;
    const file = this.#file;
    if (file !== undefined && file.text !== this.#handedOver && now - file.since >= FILE_SYNC_SECONDS) {
      this.#handedOver = file.text;
      trainer.offer(file.text, now);
    }
    trainer.advanceTo(now);
    if (this.firstStepAt === undefined && trainer.read().total.count > 0) this.firstStepAt = now;
    if (trainer.isDone) this.doneAt ??= now;
  }

  figuresOf(pod: Pod, now: number): TrainerFigures | undefined {
    if (this.#incarnation?.podUids.includes(pod.metadata.uid ?? '-') !== true) return undefined;
    this.#incarnation.trainer.advanceTo(now);
    return this.#incarnation.trainer.read();
  }

  /** The training as the user asked for it, start to end, on so many nodes: exact, not sampled. */
  asGuessed(nodes: number): FixedRun {
    const { dataParallelSize, globalBatchSize } = guessOf(this.#job);
    const layout = {
      dataParallelSize,
      microBatchSize: globalBatchSize / dataParallelSize,
      gradientAccumulationSteps: 1,
      nodes,
    };
    return fixedRun(this.#profile, this.#work, layout);
  }

  #startWhenComplete({
    now,
    running,
    workers,
    podUids,
  }: Pick<Seen, 'now' | 'running' | 'workers'> & { readonly podUids: string }): void {
    if (running.length === 0 || running.length !== workers) {
      this.#complete = undefined;
      return;
    }
    if (this.#complete?.podUids !== podUids) this.#complete = { podUids, since: now };
    if (now - this.#complete.since < STARTUP_SECONDS || this.#file === undefined) return;
    this.#starts += 1;
    const trainer = new SimulatedTrainer({
      profile: this.#profile,
      work: this.#work,
      dataParallelSize: running.length,
      nodes: new Set(running.map(({ spec }) => spec.nodeName)).size,
      seed: this.#seed + this.#starts,
      checkpoint: this.#checkpoint,
      startedAtSeconds: now,
    });
    this.#handedOver = this.#file.text;
    trainer.offer(this.#file.text, now);
    this.#incarnation = { trainer, podUids };
  }
}

export function rankOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[COMPLETION_INDEX_ANNOTATION] ?? 0);
}

export function guessOf(job: TrainingJobObject): {
  readonly dataParallelSize: number;
  readonly globalBatchSize: number;
} {
  return { dataParallelSize: job.spec.replicas, globalBatchSize: job.spec.batch.globalBatchSize.initial };
}

function uidsOf(pods: readonly Pod[]): string {
  return pods
    .map(({ metadata }) => metadata.uid ?? '')
    .sort()
    .join(' ');
}

function profileOf(job: TrainingJobObject): TrainingProfile {
  const name = job.spec.workload.podTemplate.metadata?.annotations?.[PROFILE_ANNOTATION] ?? '';
  const profile = MEASURED_PROFILES[name];
  if (profile !== undefined) return profile;
  const known = Object.keys(MEASURED_PROFILES).join(', ');
  throw new Error(`the annotation ${PROFILE_ANNOTATION} of its podTemplate is "${name}"; known are: ${known}`);
}

function workOf(job: TrainingJobObject): StatedWork {
  const { steps } = job.spec.objective.work;
  if (steps === undefined) throw new Error('spec.objective.work.steps is missing: the simulated trainer ends by it');
  return { steps, globalBatchSize: job.spec.batch.globalBatchSize.initial };
}
