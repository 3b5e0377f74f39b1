import { isDeepStrictEqual } from 'node:util';
import type { TrainingJobStatus } from '../../api/training-job.ts';

/** Figures that change with every reading; they alone are no reason to write more often than this. */
const FIGURES = ['progress', 'estimate', 'cost', 'energy', 'eta', 'summary', 'recommendation', 'bookkeeping'] as const;
const FIGURES_INTERVAL_SECONDS = 10;

/** Decides when a status is worth a write, so that a thousand jobs do not write a thousand times per reading. */
export class StatusWriter {
  readonly #writtenAt = new Map<string, number>();
  readonly #monotonicSeconds: () => number;

  constructor(monotonicSeconds: () => number) {
    this.#monotonicSeconds = monotonicSeconds;
  }

  isDue(key: string, before: TrainingJobStatus | undefined, after: TrainingJobStatus, urgent: boolean): boolean {
    if (isDeepStrictEqual(plain(before ?? {}), plain(after))) return false;
    if (urgent || !isDeepStrictEqual(withoutFigures(before ?? {}), withoutFigures(after))) return true;
    const last = this.#writtenAt.get(key);
    return last === undefined || this.#monotonicSeconds() - last >= FIGURES_INTERVAL_SECONDS;
  }

  written(key: string): void {
    this.#writtenAt.set(key, this.#monotonicSeconds());
  }
}

function plain(status: TrainingJobStatus): unknown {
  return JSON.parse(JSON.stringify(status));
}

/** What a reader of conditions and sizes sees. Messages and transition times of conditions do not count. */
function withoutFigures(status: TrainingJobStatus): unknown {
  const rest: Record<string, unknown> = { ...status };
  for (const field of FIGURES) delete rest[field];
  rest['conditions'] = (status.conditions ?? [])
    .map(({ type, status: is, reason }) => `${type}=${is}/${reason}`)
    .sort();
  return plain(rest as TrainingJobStatus);
}
