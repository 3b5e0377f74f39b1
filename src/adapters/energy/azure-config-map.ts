import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';
import { instantOf, orEmpty } from './points.ts';
import { partOf, type ReadProvider } from './reading.ts';

const DEFAULT_MINUTES = 5;

/**
 * As the Azure carbon-intensity exporter writes it (github.com/Azure/kubernetes-carbon-intensity-exporter). Its own
 * fields are `time`, `rating` and a duration in words; its consumers read `timestamp`, `value` and minutes. Both are
 * out there.
 */
const forecastSchema = z.array(
  z.object({
    time: z.string().optional(),
    timestamp: z.string().optional(),
    rating: z.number().nullish(),
    value: z.number().nullish(),
    duration: z.union([z.string(), z.number()]).nullish(),
  }),
);

/** The exporter deletes and makes its ConfigMap anew every twelve hours; in between there is none. */
export const readAzureConfigMap: ReadProvider = async (reading) => {
  const at = partOf(reading, 'configMap');
  const text = await reading.configMapText(at);
  const name = `ConfigMap ${at.namespace}/${at.name}`;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new SignalError('Garbled', `key ${at.key} of ${name} is not JSON`);
  }
  const parsed = forecastSchema.safeParse(body);
  if (!parsed.success) throw new SignalError('Garbled', `key ${at.key} of ${name} is no list of forecasts`);
  const slots = parsed.data.flatMap(({ time, timestamp, rating, value, duration }) => {
    const start = time ?? timestamp;
    const grams = rating ?? value;
    if (start === undefined || grams === undefined || grams === null) return [];
    const from = instantOf(start);
    return [{ from, to: from + 60 * minutesOf(duration), value: grams }];
  });
  return orEmpty(slots, name);
};

/** 5, "5", "00:05:00" and Go's "5m0s" are all five minutes. */
function minutesOf(duration: string | number | null | undefined): number {
  if (duration === undefined || duration === null || duration === '') return DEFAULT_MINUTES;
  const plain = Number(duration);
  if (plain > 0) return plain;
  const clock = /^(\d+):(\d{2}):(\d{2})/.exec(String(duration));
  if (clock !== null) return Number(clock[1]) * 60 + Number(clock[2]) + Number(clock[3]) / 60;
  const words = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(String(duration));
  const minutes = Number(words?.[1] ?? 0) * 60 + Number(words?.[2] ?? 0) + Number(words?.[3] ?? 0) / 60;
  if (minutes > 0) return minutes;
  throw new SignalError('Garbled', `"${String(duration).slice(0, 20)}" is no duration`);
}
