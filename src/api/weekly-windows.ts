import { z } from 'zod';
import { type CelRule, dnsLabel, listByKey, setOf, withRules } from './fields.ts';

/** Days as `days` writes them, in the order of JavaScript's weekday numbers. */
export const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

const timeOfDay = (pattern: RegExp) => z.string().length(5).regex(pattern);

/** Windows of the week under `path`, the field as users write it. */
export const weeklyWindows = (path: string) => {
  const neverOpen: CelRule = {
    fieldPath: '.to',
    rule: 'self.from != self.to',
    message: `${path}.from and .to are the same time: set to to a later one, or leave the window out for the whole day`,
  };
  const window = z.object({
    name: dnsLabel().describe('name of the window, unique among these.'),
    days: setOf(z.enum(WEEKDAYS), 7).default([]).describe('days on which the window begins; none means every day.'),
    from: timeOfDay(/^([01][0-9]|2[0-3]):[0-5][0-9]$/).describe('from which time of day, such as "22:00".'),
    to: timeOfDay(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/).describe(
      'to which time of day, "24:00" for its end; one that is before from is that of the next day.',
    ),
  });
  return listByKey(withRules(window, [neverOpen]), ['name'], 16);
};

/** Names of the IANA time zone database. */
export const timeZone = () =>
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/)
    .default('UTC')
    .describe('timeZone of the windows, a name of the IANA database such as Europe/Berlin.');

export type WeeklyWindowSpec = z.output<ReturnType<typeof weeklyWindows>>[number];
