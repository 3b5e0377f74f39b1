import type { TrainerReading } from '../core/estimate/reading.ts';

/** Where the trainers' metrics are read. */
export interface MetricsSource {
  /**
   * The newest reading of every training job, by `namespace/name`, in a number of queries that does not depend on
   * the number of jobs. Throws when the source does not answer or answers garbage; a job that nobody scrapes is
   * missing from the map.
   */
  readTrainers(signal?: AbortSignal): Promise<ReadonlyMap<string, TrainerReading>>;
}
