import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { SignalError } from '../../ports/energy-signals.ts';
import { instantOf, inUnit, orEmpty } from './points.ts';
import { checkCurrency, credential, partOf, type Reading, type ReadProvider } from './reading.ts';

const PUBLISHED_URL = 'https://web-api.tp.entsoe.eu';
const AHEAD_SECONDS = 2 * 86_400;
const NO_MATCHING_DATA = '999';
/** Twice a month of minutes: more than is asked for at the finest resolution, of hours and quarters together. */
const SLOTS_MAX = 2 * 31 * 24 * 60;

const LISTS = ['TimeSeries', 'Period', 'Point', 'Reason'];
// Entities are not expanded: no document of theirs has any, and a short one can be made to grow without end.
const parser = new XMLParser({
  parseTagValue: false,
  removeNSPrefix: true,
  processEntities: false,
  isArray: (name) => LISTS.includes(name),
});

const pointSchema = z.object({ position: z.coerce.number().int().min(1), 'price.amount': z.coerce.number() });
const periodSchema = z.object({
  timeInterval: z.object({ start: z.string(), end: z.string() }),
  resolution: z.string(),
  Point: z.array(pointSchema).default([]),
});
const seriesSchema = z.object({
  'currency_Unit.name': z.string(),
  'price_Measure_Unit.name': z.string(),
  curveType: z.string().optional(),
  'classificationSequence_AttributeInstanceComponent.position': z.string().optional(),
  Period: z.array(periodSchema),
});
const publicationSchema = z.object({ TimeSeries: z.array(seriesSchema).default([]) });
const acknowledgementSchema = z.object({
  Reason: z.array(z.object({ code: z.string().optional(), text: z.string().optional() })).default([]),
});
const documentSchema = z
  .object({
    Publication_MarketDocument: publicationSchema.optional(),
    Acknowledgement_MarketDocument: acknowledgementSchema.optional(),
  })
  .refine((document) => Object.values(document).some((root) => root !== undefined));

/** Day-ahead prices of a bidding zone, of an hour or a quarter; that there are none comes with status 200 or 400. */
export const readEntsoE: ReadProvider = async (reading) => {
  const { biddingZone } = partOf(reading, 'entsoE');
  const query = {
    securityToken: credential(reading, 'token'),
    documentType: 'A44',
    in_Domain: biddingZone,
    out_Domain: biddingZone,
    'contract_MarketAgreement.type': 'A01',
    periodStart: compact(reading.since),
    periodEnd: compact(reading.now + AHEAD_SECONDS),
  };
  const { isOk, text, refusal } = await reading.serviceAt(PUBLISHED_URL).textOfAny({ path: '/api', query });
  const document = documentOf(text, isOk ? undefined : refusal);
  const acknowledged = document.Acknowledgement_MarketDocument?.Reason[0];
  if (acknowledged !== undefined) {
    const problem = acknowledged.code === NO_MATCHING_DATA ? 'Empty' : 'Refused';
    throw new SignalError(problem, `ENTSO-E answered: ${(acknowledged.text ?? 'no reason').slice(0, 200)}`);
  }
  if (!isOk) throw refusal;
  const series = document.Publication_MarketDocument?.TimeSeries ?? [];
  return orEmpty(slotsOf(series, reading), `ENTSO-E, bidding zone ${biddingZone},`);
};

function documentOf(text: string, refusal: SignalError | undefined): z.output<typeof documentSchema> {
  try {
    return documentSchema.parse(parser.parse(text, true));
  } catch {
    throw refusal ?? new SignalError('Garbled', 'ENTSO-E did not answer with a market document');
  }
}

type Series = z.output<typeof seriesSchema>;
type Period = z.output<typeof periodSchema>;

/** Where a zone has hours and quarters, the quarters count: they come last. */
function slotsOf(series: readonly Series[], reading: Reading): readonly SignalSlot[] {
  const periods = series
    .filter((each) => (each['classificationSequence_AttributeInstanceComponent.position'] ?? '1') === '1')
    .flatMap((each) => {
      checkCurrency(reading, each['currency_Unit.name'], 'ENTSO-E');
      if (each['price_Measure_Unit.name'] !== 'MWH') {
        throw new SignalError('Garbled', `ENTSO-E tells prices per ${each['price_Measure_Unit.name']}, not per MWH`);
      }
      return each.Period.map((period) => ({ period, isCurve: each.curveType === 'A03' }));
    });
  const steps = periods.map(({ period }) => stepsOf(period));
  if (!(steps.reduce((sum, each) => sum + each, 0) <= SLOTS_MAX)) {
    throw new SignalError('Garbled', `ENTSO-E tells periods of more than ${SLOTS_MAX} steps in all`);
  }
  periods.sort((one, other) => secondsOf(other.period.resolution) - secondsOf(one.period.resolution));
  return periods.flatMap(({ period, isCurve }) => slotsOfPeriod(period, isCurve));
}

function stepsOf({ timeInterval: { start, end }, resolution }: Pick<Period, 'timeInterval' | 'resolution'>): number {
  return Math.max(0, Math.round((instantOf(end) - instantOf(start)) / secondsOf(resolution)));
}

/** In a curve of type A03 a value that is the same as the one before is left out, so each lasts until the next. */
function slotsOfPeriod({ timeInterval, resolution, Point }: Period, isCurve: boolean): SignalSlot[] {
  const start = instantOf(timeInterval.start);
  const end = instantOf(timeInterval.end);
  const step = secondsOf(resolution);
  const points = [...Point].sort((one, other) => one.position - other.position);
  return points.flatMap((point, index) => {
    const next = isCurve ? points[index + 1]?.position : point.position + 1;
    const last = next === undefined ? stepsOf({ timeInterval, resolution }) : next - 1;
    const value = inUnit(point['price.amount'], 'CurrencyPerMwh');
    const slots: SignalSlot[] = [];
    for (let position = point.position; position <= last && start + position * step <= end; position++) {
      slots.push({ from: start + (position - 1) * step, to: start + position * step, value });
    }
    return slots;
  });
}

function secondsOf(resolution: string): number {
  const minutes = /^PT(\d+)M$/.exec(resolution)?.[1];
  const seconds = resolution === 'PT1H' ? 3600 : Number(minutes) * 60;
  if (seconds >= 60) return seconds;
  throw new SignalError('Garbled', `ENTSO-E tells a resolution of ${resolution.slice(0, 20)}; minutes were expected`);
}

/** `202611231200`, in UTC. */
function compact(seconds: number): string {
  return new Date(Math.floor(seconds / 3600) * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 12);
}
