import { z } from 'zod';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { instantOf, orEmpty, toMinute } from './points.ts';
import { partOf, type ReadProvider } from './reading.ts';

const PUBLISHED_URL = 'https://api.carbonintensity.org.uk';
const PAST_SECONDS_MAX = 13 * 86_400;
const SLOT_SECONDS = 1800;

const slotSchema = z.object({
  from: z.string(),
  to: z.string(),
  intensity: z.object({ forecast: z.number().nullish(), actual: z.number().nullish() }),
});
const nationalSchema = z.object({ data: z.array(slotSchema) });
/** Of one region the data are an object, not a list. */
const regionalSchema = z.object({ data: z.object({ data: z.array(slotSchema) }) });

/** Half hours in gCO2/kWh of what is burnt, two days ahead. Regions have forecasts only, of the past too. */
export const readGbCarbonIntensity: ReadProvider = async (reading) => {
  const { regionId } = partOf(reading, 'gbCarbonIntensity');
  const service = reading.serviceAt(PUBLISHED_URL);
  const begun = Math.floor(reading.now / SLOT_SECONDS) * SLOT_SECONDS;
  const first = Math.floor(reading.since / SLOT_SECONDS) * SLOT_SECONDS;
  const since = Math.max(first, begun - PAST_SECONDS_MAX);
  const past = `${toMinute(since)}/${toMinute(begun)}`;
  const ahead = `${toMinute(begun)}/fw48h`;
  const slots: SignalSlot[] = [];
  for (const span of [past, ahead]) {
    if (regionId === 0) {
      const { data } = await service.json(nationalSchema, { path: `/intensity/${span}` });
      slots.push(...data.flatMap(toSlot));
    } else {
      const { data } = await service.json(regionalSchema, { path: `/regional/intensity/${span}/regionid/${regionId}` });
      slots.push(...data.data.flatMap(toSlot));
    }
  }
  return orEmpty(slots, 'the Carbon Intensity API');
};

function toSlot({ from, to, intensity }: z.output<typeof slotSchema>): SignalSlot[] {
  const value = intensity.actual ?? intensity.forecast;
  return value === undefined || value === null ? [] : [{ from: instantOf(from), to: instantOf(to), value }];
}
