import type { EnergySourceSpec } from '../../api/energy-source.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import type { SignalForecast } from '../../core/forecast/forecast.ts';
import type { SignalRecord } from '../../core/forecast/record.ts';

/** What is known of a source's signal. */
export interface KnownSignal {
  readonly spec: EnergySourceSpec;
  readonly record: SignalRecord;
  readonly forecast: SignalForecast;
  /** What moving work to better hours is expected to bring; undefined where too little is known. */
  readonly expectedGain: number | undefined;
}

/** What the energy sources told last, for whoever plans. A restarted operator fills it from the stored series. */
export class EnergyMemory {
  readonly #signals = new Map<string, KnownSignal>();

  get(name: string): KnownSignal | undefined {
    return this.#signals.get(name);
  }

  set(name: string, signal: KnownSignal): void {
    this.#signals.set(name, signal);
  }

  delete(name: string): void {
    this.#signals.delete(name);
  }
}

/** Whether nothing is known for so long that the past says nothing of now. */
export function isStale({ spec, record }: Pick<KnownSignal, 'spec' | 'record'>, now: InstantSeconds): boolean {
  if (record.knownUntil === undefined) return true;
  const last = record.slots.at(-1);
  const slotSeconds = last === undefined ? 0 : last.to - last.from;
  const limit = spec.staleAfterSeconds ?? 2 * Math.max(slotSeconds, spec.refreshSeconds);
  return now >= record.knownUntil + limit;
}

/** Whether plans follow the hours: not where moving work brings less than the administrator asks for. */
export function shiftingPays({ spec, expectedGain }: Pick<KnownSignal, 'spec' | 'expectedGain'>): boolean {
  return expectedGain === undefined || 100 * expectedGain >= spec.minimumGainPercent;
}
