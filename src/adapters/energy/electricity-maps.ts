import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';
import { instantOf, inUnit, orEmpty, type Point, slotsFrom, UNIT_OF } from './points.ts';
import { credential, partOf, type Reading, type ReadProvider } from './reading.ts';

const PUBLISHED_URL = 'https://api.electricitymaps.com/v3';
const SECONDS_PER_HOUR = 3600;
const HORIZON_HOURS = 72;

const RESOURCES = {
  CarbonIntensity: 'carbon-intensity',
  Price: 'price-day-ahead',
  RenewableShare: 'renewable-energy',
} as const;

const itemSchema = z.object({
  zone: z.string().optional(),
  datetime: z.string(),
  carbonIntensity: z.number().nullish(),
  value: z.number().nullish(),
  unit: z.string().nullish(),
});
/** The list has another name for each verb, and for some signals. */
const answerSchema = z.object({
  zone: z.string().optional(),
  history: z.array(itemSchema).optional(),
  data: z.array(itemSchema).optional(),
  forecast: z.array(itemSchema).optional(),
});

/** Hours of the last day, and three days ahead where the plan of the key has forecasts. */
export const readElectricityMaps: ReadProvider = async (reading) => {
  const { zone } = partOf(reading, 'electricityMaps');
  const service = reading.serviceAt(PUBLISHED_URL);
  const resource = RESOURCES[reading.spec.signal];
  const headers = { 'auth-token': credential(reading, 'token') };
  const query = {
    zone,
    // An unknown zone would else be that of whoever asks.
    disableCallerLookup: 'true',
    temporalGranularity: 'hourly',
    ...(reading.spec.signal === 'CarbonIntensity'
      ? { emissionFactorType: reading.spec.basis === 'Lifecycle' ? 'lifecycle' : 'direct' }
      : {}),
  };
  const history = await service.json(answerSchema, { path: `/${resource}/history`, query, headers });
  const forecast = await service.jsonIfOffered(answerSchema, {
    path: `/${resource}/forecast`,
    query: { ...query, horizonHours: HORIZON_HOURS },
    headers,
  });
  // What is measured comes last, as it counts.
  const points = [...pointsOf(forecast, reading, zone), ...pointsOf(history, reading, zone)];
  const byStart = new Map(points.map((point) => [point.from, point]));
  return orEmpty(slotsFrom([...byStart.values()], SECONDS_PER_HOUR), `Electricity Maps, zone ${zone},`);
};

function pointsOf(answer: z.output<typeof answerSchema> | undefined, reading: Reading, zone: string): Point[] {
  if (answer === undefined) return [];
  const items = answer.history ?? answer.data ?? answer.forecast ?? [];
  return items.flatMap((item) => {
    const told = item.zone ?? answer.zone ?? zone;
    if (told !== zone)
      throw new SignalError('Garbled', `Electricity Maps was asked for zone ${zone} and told of ${told}`);
    const value = item.carbonIntensity ?? item.value;
    if (value === undefined || value === null) return [];
    checkUnit(item.unit, reading);
    return [{ from: instantOf(item.datetime), value: inUnit(value, UNIT_OF[reading.spec.signal]) }];
  });
}

function checkUnit(unit: string | null | undefined, { spec }: Reading): void {
  if (spec.signal !== 'Price' || unit === undefined || unit === null) return;
  if (unit === `${spec.currency}/MWh`) return;
  throw new SignalError('Misconfigured', `Electricity Maps tells prices in ${unit}, spec.currency is ${spec.currency}`);
}
