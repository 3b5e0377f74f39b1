// What the trainer itself wrote down of each optimizer step: the witness that none was lost or repeated.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One optimizer step, as test/e2e/trainers/traced.py writes it at the step's end. */
export interface TracedStep {
  /** Seconds since 1970. */
  readonly endedAt: number;
  /** Name of the pod and its process's start: another one is another life of the trainer. */
  readonly life: string;
  /** Steps done before this one. */
  readonly step: number;
  /** Position of its first sample in the job's sequence of samples. */
  readonly position: number;
  readonly samples: number;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
  readonly ranks: number;
  readonly version: number;
  readonly loss: number;
  /** Square norms of gradients, at the steps that looked at them. */
  readonly observation: GradientObservation | null;
}

export interface GradientObservation {
  readonly small_square_norm: number;
  readonly large_square_norm: number;
  readonly small_batch_size: number;
  readonly large_batch_size: number;
}

/** A folder that the pods mount at /checkpoints: checkpoints and the trace outlive them. */
export class RunFolder {
  readonly #name: string;
  #path: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Made when it is first asked for: a test that is left out leaves nothing behind. */
  get path(): string {
    this.#path ??= mkdtempSync(path.join(tmpdir(), `stepwise-e2e-${this.#name}-`));
    return this.#path;
  }

  get traceFile(): string {
    return path.join(this.path, 'trace.jsonl');
  }

  /** All steps so far, of all lives of the trainer, in the order in which they were done. */
  trace(): readonly TracedStep[] {
    const file = this.traceFile;
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as TracedStep);
  }

  remove(): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
  }
}

/** Places where a step does not begin where the one before ended. Restarts are looked at by `restartsOf`. */
export function gapsOf(trace: readonly TracedStep[]): readonly string[] {
  return pairsOf(trace).flatMap(([before, after]) => {
    if (before.life !== after.life) return [];
    const follows = after.step === before.step + 1 && after.position === before.position + before.samples;
    return follows ? [] : [`step ${before.step} at ${before.position} → step ${after.step} at ${after.position}`];
  });
}

export interface Restart {
  /** Steps that were done before it and had to be done again; negative ones would have been skipped. */
  readonly lostSteps: number;
  readonly lostSeconds: number;
  /** From the end of the last step before to the end of the first one after. */
  readonly secondsWithoutSteps: number;
  readonly ranksBefore: number;
  readonly ranksAfter: number;
}

export function restartsOf(trace: readonly TracedStep[]): readonly Restart[] {
  return pairsOf(trace).flatMap(([before, after]) => {
    if (before.life === after.life) return [];
    const firstLost = trace.find((one) => one.life === before.life && one.step >= after.step);
    return [
      {
        lostSteps: before.step + 1 - after.step,
        lostSeconds: firstLost === undefined ? 0 : before.endedAt - firstLost.endedAt,
        secondsWithoutSteps: after.endedAt - before.endedAt,
        ranksBefore: before.ranks,
        ranksAfter: after.ranks,
      },
    ];
  });
}

function pairsOf(trace: readonly TracedStep[]): (readonly [TracedStep, TracedStep])[] {
  return trace.slice(1).map((after, index) => [trace[index] as TracedStep, after] as const);
}
