import { InputError } from '../input-error.ts';
import { readCsv } from './csv.ts';

const SECONDS_PER_HOUR = 3600;

/** What electricity costs and emits in one hour; undefined where the file has no value. */
export interface EnergyHour {
  readonly pricePerMwh: number | undefined;
  readonly carbonGramsPerKwh: number | undefined;
}

/** Hourly price and carbon of one zone. Past the end of the file it begins anew. */
export class EnergySeries {
  readonly #hours: readonly EnergyHour[];
  readonly #firstHour: number;

  constructor(hours: readonly EnergyHour[], firstHourEpochSeconds: number) {
    this.#hours = hours;
    this.#firstHour = firstHourEpochSeconds;
  }

  at(epochSeconds: number): EnergyHour {
    const count = this.#hours.length;
    const index = Math.floor((epochSeconds - this.#firstHour) / SECONDS_PER_HOUR);
    return this.#hours[((index % count) + count) % count] ?? { pricePerMwh: undefined, carbonGramsPerKwh: undefined };
  }
}

/**
 * Reads a file with a line for each hour: datetime_utc (start of the hour), ci_direct_g_per_kwh, and a column named
 * price_CURRENCY_per_mwh. A missing value stays as it was in the hour before.
 */
export function readEnergy(file: string): EnergySeries {
  const { columns, rows } = readCsv(file, ['datetime_utc', 'ci_direct_g_per_kwh']);
  const priceColumn = columns.find((column) => /^price_[a-z]+_per_mwh$/.test(column));
  const first = rows[0];
  if (first === undefined) throw new InputError(`${file} has no hours; give a line for each`);
  const start = Date.parse(first.text('datetime_utc')) / 1000;
  if (!Number.isFinite(start)) throw new InputError(`${file}:2: datetime_utc must be an ISO 8601 instant`);
  let last: EnergyHour = { pricePerMwh: undefined, carbonGramsPerKwh: undefined };
  const hours = rows.map((row) => {
    last = {
      pricePerMwh: (priceColumn === undefined ? undefined : row.optionalNumber(priceColumn)) ?? last.pricePerMwh,
      carbonGramsPerKwh: row.optionalNumber('ci_direct_g_per_kwh') ?? last.carbonGramsPerKwh,
    };
    return last;
  });
  return new EnergySeries(hours, start);
}
