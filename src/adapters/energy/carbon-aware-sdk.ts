import { z } from 'zod';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { instantOf, orEmpty, slotsFrom, toSecond } from './points.ts';
import { partOf, type ReadProvider } from './reading.ts';

const PAST_SECONDS_MAX = 7 * 86_400;
const SECONDS_PER_HOUR = 3600;

const forecastsSchema = z.array(
  z.object({
    forecastData: z.array(z.object({ timestamp: z.string(), duration: z.number().positive(), value: z.number() })),
  }),
);
const emissionsSchema = z.array(z.object({ time: z.string(), rating: z.number() }));

/** The web API of the Green Software Foundation's SDK; which of the two it has depends on the service behind it. */
export const readCarbonAwareSdk: ReadProvider = async (reading) => {
  const { location } = partOf(reading, 'carbonAwareSdk');
  const service = reading.serviceAt();
  const since = toSecond(Math.max(reading.since, reading.now - PAST_SECONDS_MAX));
  const past = await service.jsonIfOffered(emissionsSchema, {
    path: '/emissions/bylocation',
    query: { location, time: since, toTime: toSecond(reading.now) },
  });
  const measured = slotsFrom(
    (past ?? []).map(({ time, rating }) => ({ from: instantOf(time), value: rating })),
    SECONDS_PER_HOUR,
  );
  const forecast = { path: '/emissions/forecasts/current', query: { location } };
  // Without a past the forecast is all there is, and its refusal is the answer.
  const forecasts =
    measured.length === 0
      ? await service.json(forecastsSchema, forecast)
      : await service.jsonIfOffered(forecastsSchema, forecast);
  const ahead = (forecasts ?? [])
    .flatMap(({ forecastData }) => forecastData)
    .map(({ timestamp, duration, value }): SignalSlot => {
      const from = instantOf(timestamp);
      return { from, to: from + 60 * duration, value };
    });
  return orEmpty([...ahead, ...measured], `the Carbon Aware SDK, location ${location},`);
};
