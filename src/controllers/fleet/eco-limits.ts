import { fromDecimal } from '../../api/decimal.ts';
import type { ScalingPolicySpec } from '../../api/scaling-policy.ts';
import type { TrainingJobSpec } from '../../api/training-job.ts';
import { WEEKDAYS, type WeeklyWindowSpec } from '../../api/weekly-windows.ts';
import { isTimeZone, type WeeklyHours } from '../../core/plan/weekly-hours.ts';
import type { EcoLimits } from '../../core/snapshot.ts';

const KILOGRAMS_PER_TONNE = 1000;
const GRAMS_PER_KILOGRAM = 1000;

/** What a job may wait for: its own wishes, and the administrator's hours. Undefined where there are none of either. */
export function resolveEco(spec: TrainingJobSpec, policy: ScalingPolicySpec): EcoLimits | undefined {
  const { eco } = spec;
  const { hours } = policy;
  const forbidden = weeklyHours(hours?.timeZone, hours?.forbidden);
  if (eco === undefined || eco.mode === 'Off') return forbidden === undefined ? undefined : forbiddenOnly(forbidden);
  const own = weeklyHours(eco.timeZone, eco.windows);
  const { limits } = eco;
  return {
    // What the administrator forbids is not a matter of preference.
    mode: forbidden === undefined ? eco.mode : 'Require',
    followsPrices: true,
    carbonPricePerKilogram: fromDecimal(eco.carbonPricePerTonne ?? '0') / KILOGRAMS_PER_TONNE,
    maxPricePerKwh: limits?.maxPricePerKwh === undefined ? undefined : fromDecimal(limits.maxPricePerKwh),
    maxKgCo2ePerKwh:
      limits?.maxGramsCo2ePerKwh === undefined ? undefined : limits.maxGramsCo2ePerKwh / GRAMS_PER_KILOGRAM,
    minRenewableShare: limits?.minRenewablePercent === undefined ? undefined : limits.minRenewablePercent / 100,
    maxDelaySeconds: eco.maxDelaySeconds,
    maxPauses: eco.maxPauses,
    mayMissDeadline: eco.mode === 'Require' && eco.whenShort === 'Wait',
    allowed: own ?? weeklyHours(hours?.timeZone, hours?.preferred),
    forbidden,
  };
}

function forbiddenOnly(forbidden: WeeklyHours): EcoLimits {
  return {
    mode: 'Require',
    followsPrices: false,
    carbonPricePerKilogram: 0,
    maxPricePerKwh: undefined,
    maxKgCo2ePerKwh: undefined,
    minRenewableShare: undefined,
    maxDelaySeconds: undefined,
    maxPauses: 0,
    mayMissDeadline: false,
    allowed: undefined,
    forbidden,
  };
}

function weeklyHours(timeZone: string | undefined, windows: readonly WeeklyWindowSpec[] = []): WeeklyHours | undefined {
  if (timeZone === undefined || windows.length === 0 || !isTimeZone(timeZone)) return undefined;
  return {
    timeZone,
    windows: windows.map(({ days, from, to }) => ({
      days: days.map((day) => WEEKDAYS.indexOf(day)),
      fromMinute: minuteOf(from),
      toMinute: minuteOf(to),
    })),
  };
}

function minuteOf(timeOfDay: string): number {
  const [hour, minute] = timeOfDay.split(':').map(Number);
  return (hour ?? 0) * 60 + (minute ?? 0);
}
