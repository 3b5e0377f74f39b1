import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';
import { inUnit, orEmpty } from './points.ts';
import { partOf, type ReadProvider } from './reading.ts';

/** Prometheus refuses ranges of more points. */
const POINTS_MAX = 10_000;

const matrixSchema = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })),
  }),
});

/** The past of a gauge, so that a new source has its days at once; Prometheus knows no future. */
export const readPromQl: ReadProvider = async (reading) => {
  const { query, unit, slotSeconds } = partOf(reading, 'promQL');
  const end = Math.floor(reading.now / slotSeconds) * slotSeconds;
  const start = Math.max(end - POINTS_MAX * slotSeconds, Math.floor(reading.since / slotSeconds) * slotSeconds);
  const token = reading.credentials?.['token'];
  const answer = await reading.serviceAt().json(matrixSchema, {
    path: '/api/v1/query_range',
    query: { query, start, end, step: slotSeconds },
    ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token.trim()}` } }),
  });
  const { result } = answer.data;
  if (result.length > 1) {
    const message = `spec.provider.promQL.query gives ${result.length} series: make it one, as with avg()`;
    throw new SignalError('Misconfigured', message);
  }
  const slots = (result[0]?.values ?? []).flatMap(([from, text]) => {
    const value = Number(text);
    return Number.isFinite(value) ? [{ from, to: from + slotSeconds, value: inUnit(value, unit) }] : [];
  });
  return orEmpty(slots, 'the query');
};
