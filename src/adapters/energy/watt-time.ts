import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';
import { instantOf, inUnit, orEmpty, type Point, slotsFrom, toSecond } from './points.ts';
import { credential, partOf, type Reading, type ReadProvider } from './reading.ts';
import type { Request, Service } from './service.ts';

const PUBLISHED_URL = 'https://api.watttime.org';
const PAST_SECONDS_MAX = 31 * 86_400;
const HORIZON_HOURS = 72;
const USUAL_SECONDS = 300;

const loginSchema = z.object({ token: z.string().min(1) });
const answerSchema = z.object({
  data: z.array(z.object({ point_time: z.string(), value: z.number() })),
  meta: z.object({
    units: z.string(),
    signal_type: z.string().optional(),
    data_point_period_seconds: z.number().optional(),
  }),
});

/** Five-minute values, marginal or average by the basis of the source; a token lasts half an hour. */
export const readWattTime: ReadProvider = async (reading) => {
  const { region } = partOf(reading, 'wattTime');
  const signalType = reading.spec.basis === 'Marginal' ? 'co2_moer' : 'co2_aoer';
  const service = reading.serviceAt(PUBLISHED_URL);
  const query = { region, signal_type: signalType };
  const forecast = await ask(reading, service, {
    path: '/v3/forecast',
    query: { ...query, horizon_hours: HORIZON_HOURS },
  });
  const start = toSecond(Math.max(reading.since, reading.now - PAST_SECONDS_MAX));
  const headers = { Authorization: `Bearer ${reading.sessions.get(reading.name)}` };
  // Free accounts have the past of one region only.
  const past = await service.jsonIfOffered(answerSchema, {
    path: '/v3/historical',
    query: { ...query, start, end: toSecond(reading.now) },
    headers,
  });
  const points = [...pointsOf(forecast, signalType), ...(past === undefined ? [] : pointsOf(past, signalType))];
  const byStart = new Map(points.map((point) => [point.from, point]));
  const period = forecast.meta.data_point_period_seconds ?? USUAL_SECONDS;
  return orEmpty(slotsFrom([...byStart.values()], period), `WattTime, region ${region},`);
};

/** With the token at hand, and once with a new one when that has run out. */
async function ask(reading: Reading, service: Service, request: Request) {
  const isFresh = !reading.sessions.has(reading.name);
  const token = reading.sessions.get(reading.name) ?? (await logIn(reading, service));
  reading.sessions.set(reading.name, token);
  const withToken = (each: string) =>
    service.json(answerSchema, { ...request, headers: { Authorization: `Bearer ${each}` } });
  try {
    return await withToken(token);
  } catch (error) {
    const ranOut = error instanceof SignalError && ['Unauthorized', 'Throttled'].includes(error.problem);
    if (isFresh || !ranOut) throw error;
    reading.sessions.delete(reading.name);
    const renewed = await logIn(reading, service);
    reading.sessions.set(reading.name, renewed);
    return withToken(renewed);
  }
}

/** Not below /v3, as the rest is. */
async function logIn(reading: Reading, service: Service): Promise<string> {
  const pair = `${credential(reading, 'username')}:${credential(reading, 'password')}`;
  const headers = { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  return (await service.json(loginSchema, { path: '/login', headers })).token;
}

function pointsOf({ data, meta }: z.output<typeof answerSchema>, signalType: string): Point[] {
  if (meta.units !== 'lbs_co2_per_mwh') {
    throw new SignalError('Garbled', `WattTime answered in ${meta.units}, not in lbs_co2_per_mwh`);
  }
  if (meta.signal_type !== undefined && meta.signal_type !== signalType) {
    throw new SignalError('Garbled', `WattTime was asked for ${signalType} and told of ${meta.signal_type}`);
  }
  return data.map(({ point_time, value }) => ({ from: instantOf(point_time), value: inUnit(value, 'PoundsPerMwh') }));
}
