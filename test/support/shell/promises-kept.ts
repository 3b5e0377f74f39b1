// What must hold of every write that the operator makes, whatever goes wrong around it.
import { parseGpuPool, parseTrainingJob } from '../../../src/api/parse.ts';
import { parseTuning, TUNING_FILE_NAME } from '../../../src/api/trainer-protocol.ts';
import type { TrainingJobStatus } from '../../../src/api/training-job.ts';
import type { ConfigMap, TrainingJobObject, WorkerJob } from '../../../src/controllers/kinds.ts';
import type { SimulatedTrainer } from '../simulated-trainer.ts';
import type { WriteCheck } from './memory-api-server.ts';
import type { SimulatedWorkers } from './simulated-workers.ts';

export interface Watchman {
  readonly broken: string[];
  readonly check: WriteCheck;
}

export interface WatchmanOptions {
  readonly workers: () => SimulatedWorkers;
  readonly jobStatus: () => TrainingJobStatus;
  readonly readyGpus: () => number;
  readonly nowSeconds: () => number;
  readonly ackTimeoutSeconds: number;
  readonly checkpointTimeoutSeconds: number;
}

/** Notes every promise that a write breaks; the run goes on, so that one defect does not hide another. */
export function openWatchman(options: WatchmanOptions): Watchman {
  const broken: string[] = [];
  const say = (message: string) => broken.push(`at ${Math.round(options.nowSeconds() % 100_000)} s: ${message}`);
  let sentAt = Number.NEGATIVE_INFINITY;
  const checkTuning: WriteCheck = ({ before, after }) => {
    const old = textOf(before as ConfigMap | undefined);
    const next = textOf(after as ConfigMap);
    if (next === undefined || old === next) return;
    const tuning = parseTuning(JSON.parse(next));
    const last = old === undefined ? undefined : parseTuning(JSON.parse(old));
    if (last !== undefined && tuning.version <= last.version) {
      say(`version ${tuning.version} was written over version ${last.version}`);
    }
    if (last !== undefined && tuning.checkpointRequest < last.checkpointRequest) say('checkpointRequest fell');
    const { trainer } = options.workers();
    const known = answeredBy(trainer);
    const waited = options.nowSeconds() - sentAt;
    // Whole seconds are written to the status, so a deadline may come up to a second early.
    if (trainer !== undefined && last !== undefined && known < last.version && waited < options.ackTimeoutSeconds - 1) {
      say(`version ${tuning.version} was sent ${waited} s after version ${last.version}, which was not answered`);
    }
    sentAt = options.nowSeconds();
  };
  const checkSize: WriteCheck = ({ before, after }) => {
    const old = (before as WorkerJob | undefined)?.spec;
    const { spec } = after as WorkerJob;
    const wanted = workersOf(spec);
    const had = workersOf(old);
    // A stranger may take a GPU between the look and the start; then the pool grows again, and a pod waits.
    if (wanted > had && wanted > options.readyGpus()) {
      say(`${wanted} workers were asked for with ${options.readyGpus()} GPUs`);
    }
    if (had > 0 && wanted > 0 && wanted !== had) say(`the size went from ${had} to ${wanted} under running workers`);
    if (had > 0 && wanted === 0) checkStop();
  };
  const checkStop = () => {
    const { trainer, checkpointRequestServed } = options.workers();
    const { resize } = options.jobStatus();
    if (trainer === undefined) return;
    if (resize === undefined) {
      say('the workers were stopped without a resize being noted');
      return;
    }
    const waited = options.nowSeconds() - Date.parse(resize.startedAt) / 1000;
    const served = checkpointRequestServed >= (resize.checkpointRequest ?? 0);
    if (!served && waited < options.checkpointTimeoutSeconds) say(`workers were stopped after ${waited} s, unsaved`);
  };
  const checks: Readonly<Record<string, WriteCheck>> = {
    configmaps: checkTuning,
    jobs: checkSize,
    trainingjobs: ({ after }) => void parseTrainingJob(after as TrainingJobObject),
    gpupools: ({ after }) => void parseGpuPool(after),
  };
  return { broken, check: (write) => checks[write.plural]?.(write) };
}

const answeredBy = (trainer: SimulatedTrainer | undefined) =>
  Math.max(trainer?.configVersion ?? 0, trainer?.rejectedVersion ?? 0);
const workersOf = (spec: WorkerJob['spec'] | undefined) =>
  spec === undefined || spec.suspend === true ? 0 : (spec.parallelism ?? 0);
const textOf = (configMap: ConfigMap | undefined) => configMap?.data?.[TUNING_FILE_NAME];
