import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';
import { inUnit, orEmpty, slotsFrom, toSecond } from './points.ts';
import { checkCurrency, partOf, type ReadProvider } from './reading.ts';

const PUBLISHED_URL = 'https://api.energy-charts.info';
const AHEAD_SECONDS = 2 * 86_400;
const SLOT_SECONDS = 900;

const column = z.array(z.number().nullable());
const priceSchema = z.object({ unix_seconds: z.array(z.number()), price: column });
const shareSchema = z.object({ unix_seconds: z.array(z.number()), ren_share: column });

/** Day-ahead prices in EUR/MWh by bidding zone, or the forecast renewable share in percent by country; no key. */
export const readEnergyCharts: ReadProvider = async (reading) => {
  const { zone } = partOf(reading, 'energyCharts');
  const service = reading.serviceAt(PUBLISHED_URL);
  if (reading.spec.signal === 'Price') {
    checkCurrency(reading, 'EUR', 'Energy-Charts');
    const query = { bzn: zone, start: toSecond(reading.since), end: toSecond(reading.now + AHEAD_SECONDS) };
    const { unix_seconds, price } = await service.json(priceSchema, { path: '/price', query }).catch(noDataIsEmpty);
    // The unit that comes with it has been "No Unit"; it is EUR/MWh.
    return orEmpty(rows(unix_seconds, price, 'CurrencyPerMwh'), `Energy-Charts, bidding zone ${zone},`);
  }
  const query = { country: zone };
  const { unix_seconds, ren_share } = await service
    .json(shareSchema, { path: '/ren_share_forecast', query })
    .catch(noDataIsEmpty);
  return orEmpty(rows(unix_seconds, ren_share, 'Percent'), `Energy-Charts, country ${zone},`);
};

function rows(starts: readonly number[], values: readonly (number | null)[], unit: 'CurrencyPerMwh' | 'Percent') {
  if (starts.length !== values.length) {
    throw new SignalError('Garbled', `Energy-Charts told ${starts.length} times and ${values.length} values`);
  }
  const points = starts.flatMap((from, index) => {
    const value = values[index];
    return value === null || value === undefined ? [] : [{ from, value: inUnit(value, unit) }];
  });
  return slotsFrom(points, SLOT_SECONDS);
}

/** It answers 404 or 422 where it has no data. */
function noDataIsEmpty(error: unknown): never {
  const isNone = error instanceof SignalError && (error.problem === 'NotFound' || /HTTP 422/.test(error.message));
  throw isNone ? new SignalError('Empty', error.message) : error;
}
