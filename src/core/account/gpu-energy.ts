import type { InstantSeconds } from '../configuration.ts';

/** What is known of the GPU, or of a part of one, that a worker holds. */
export interface GpuReading {
  /** Of the device and the worker, so that a device which changes hands begins anew. */
  readonly id: string;
  /** Of the device's energy that is this worker's, 0 to 1. */
  readonly share: number;
  /** Counter of the device; undefined when it is not told, or not to be believed. */
  readonly joules: number | undefined;
  readonly watts: number | undefined;
}

/** A counter and when it last moved: it is written every half a minute or so, and read more often. */
export interface CounterMark {
  readonly joules: number;
  readonly at: InstantSeconds;
}

export type EnergySource = 'Counter' | 'Power' | 'Model';

export interface MeasuredEnergy {
  /** By how it is known. */
  readonly joules: Readonly<Record<EnergySource, number>>;
  /** GPUs of which nothing is known: neither measured nor modelled. */
  readonly unknownGpuSeconds: number;
  readonly marks: ReadonlyMap<string, CounterMark>;
}

/** More than any GPU draws: a counter that runs faster is not one. */
const PLAUSIBLE_WATTS = 5000;

/**
 * Energy of the GPUs of a job since the last look: by their counters, for those without by their power, else by the model.
 * A counter tells what was used while nobody looked; one that fell has begun anew.
 *
 * @param gpus that the job holds, read or not
 * @param modelWatts of a GPU at work; undefined where nobody said
 */
export function energySince(options: {
  readonly readings: readonly GpuReading[];
  readonly gpus: number;
  readonly marks: ReadonlyMap<string, CounterMark>;
  readonly since: InstantSeconds;
  readonly now: InstantSeconds;
  readonly modelWatts: number | undefined;
}): MeasuredEnergy {
  const { readings, gpus, since, now, modelWatts } = options;
  const seconds = now - since;
  const joules = { Counter: 0, Power: 0, Model: 0 };
  const marks = new Map<string, CounterMark>();
  let unmeasured = Math.max(0, gpus - readings.length);
  for (const reading of readings) {
    const before = options.marks.get(reading.id);
    const counted = countedSince(reading, before, now);
    if (reading.joules !== undefined) {
      const isSame = before !== undefined && before.joules === reading.joules;
      marks.set(reading.id, isSame ? before : { joules: reading.joules, at: now });
    }
    if (counted !== undefined) joules.Counter += counted * reading.share;
    else if (isPlausiblePower(reading.watts)) joules.Power += reading.watts * seconds * reading.share;
    else unmeasured += 1;
  }
  if (modelWatts !== undefined) joules.Model += unmeasured * modelWatts * seconds;
  const unknownGpuSeconds = modelWatts === undefined ? unmeasured * seconds : 0;
  return { joules, unknownGpuSeconds, marks };
}

/** Where the counters stand, to count from. */
export function marksOf(readings: readonly GpuReading[], now: InstantSeconds): ReadonlyMap<string, CounterMark> {
  const known = readings.flatMap(({ id, joules }) =>
    joules === undefined ? [] : [[id, { joules, at: now }] as const],
  );
  return new Map(known);
}

function countedSince(
  { joules }: GpuReading,
  before: CounterMark | undefined,
  now: InstantSeconds,
): number | undefined {
  if (joules === undefined || before === undefined || joules < before.joules) return undefined;
  const used = joules - before.joules;
  return used <= PLAUSIBLE_WATTS * Math.max(1, now - before.at) ? used : undefined;
}

function isPlausiblePower(watts: number | undefined): watts is number {
  return watts !== undefined && watts >= 0 && watts <= PLAUSIBLE_WATTS;
}
