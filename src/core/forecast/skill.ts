import { atHour, type Hours } from './hours.ts';
import { fromLastDays, type LastDays, measurePersistence, type Persistence } from './last-days.ts';
import { LEADS, type SignalRecord } from './record.ts';

/** How forecasts so many hours ahead have done, and what that makes of the next ones. */
export interface Skill {
  readonly lead: number;
  readonly persistence: Persistence;
  /** Of the published forecast in the blend; the rest is that from the last days. */
  readonly publishedShare: number;
  /** Error of the blend that 1 in 20 was below, and above; undefined where too few can be compared. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Root mean square of the errors. */
  readonly deviation: number | undefined;
  /** Mean of the absolute errors, for people. */
  readonly meanError: number | undefined;
}

/** A 1-in-20 error needs twenty to be told, and one more day of them is not yet weather of another kind. */
const COMPARED_MIN = 48;
const TAIL = 0.05;

/** Of each lead, from what is known by hour `until`. */
export function measureSkills(record: SignalRecord, days: LastDays, until: number): readonly Skill[] {
  return LEADS.map((lead, index) => measureSkill(record, days, until, lead, index));
}

function measureSkill(record: SignalRecord, days: LastDays, until: number, lead: number, index: number): Skill {
  const persistence = measurePersistence(days, lead, until);
  const pairs = pastForecasts(record, days, until, { lead, index, persistence });
  const both = pairs.filter(({ published, own }) => !Number.isNaN(published + own));
  const publishedShare = both.length < COMPARED_MIN ? 1 : shareOfPublished(both);
  const errors = pairs.flatMap(({ published, own }) => {
    const error = blend(published, own, publishedShare);
    return Number.isNaN(error) ? [] : [error];
  });
  return { lead, persistence, publishedShare, ...spreadOf(errors) };
}

interface Errors {
  /** Forecast less what came; NaN where there was none. */
  readonly published: number;
  readonly own: number;
}

function pastForecasts(
  record: SignalRecord,
  days: LastDays,
  until: number,
  at: { readonly lead: number; readonly index: number; readonly persistence: Persistence },
): readonly Errors[] {
  const errors: Errors[] = [];
  const wasPublished = [...record.published].some(([hour, byLead]) => hour <= until && byLead[at.index] !== undefined);
  for (let hour = days.hours.first + at.lead; hour <= until; hour++) {
    const came = atHour(days.hours, hour);
    if (Number.isNaN(came)) continue;
    const published = (record.published.get(hour)?.[at.index] ?? Number.NaN) - came;
    // Where forecasts are published, those that were not recorded are not replaced by others.
    if (wasPublished && Number.isNaN(published)) continue;
    errors.push({ published, own: fromLastDays(days, hour, hour - at.lead, at.persistence) - came });
  }
  return errors;
}

/**
 * The share that makes the variance of the blend least, of two forecasts whose errors go together (Bates and Granger
 * 1969): (s² − c) / (p² + s² − 2c).
 */
function shareOfPublished(errors: readonly Errors[]): number {
  let [pp, ps, ss] = [0, 0, 0];
  for (const { published, own } of errors) [pp, ps, ss] = [pp + published ** 2, ps + published * own, ss + own ** 2];
  const both = pp + ss - 2 * ps;
  return both > 0 ? Math.min(1, Math.max(0, (ss - ps) / both)) : 1;
}

/** What one of the two does not tell, the other does alone. */
export function blend(published: number, own: number, publishedShare: number): number {
  if (Number.isNaN(published)) return own;
  return Number.isNaN(own) ? published : publishedShare * published + (1 - publishedShare) * own;
}

type Spread = Pick<Skill, 'low' | 'high' | 'deviation' | 'meanError'>;

const UNKNOWN: Spread = { low: undefined, high: undefined, deviation: undefined, meanError: undefined };

function spreadOf(errors: readonly number[]): Spread {
  if (errors.length < COMPARED_MIN) return UNKNOWN;
  const sorted = Float64Array.from(errors).sort();
  // With one more error to come, the k-th least of n has k of n + 1 below it (split conformal, Vovk et al. 2005).
  const place = Math.max(0, Math.floor(TAIL * (sorted.length + 1)) - 1);
  const squares = errors.reduce((sum, error) => sum + error ** 2, 0);
  const sizes = errors.reduce((sum, error) => sum + Math.abs(error), 0);
  return {
    low: sorted[place],
    high: sorted[sorted.length - 1 - place],
    deviation: Math.sqrt(squares / errors.length),
    meanError: sizes / errors.length,
  };
}

/** Of any lead, from those that were measured: between two of them in proportion, beyond the last that of the last. */
export function skillAt(skills: readonly Skill[], lead: number): Skill | undefined {
  const above = skills.findIndex((skill) => skill.lead >= lead);
  const upper = skills[above === -1 ? skills.length - 1 : above];
  const lower = above > 0 ? skills[above - 1] : upper;
  if (upper === undefined || lower === undefined || upper === lower) return upper;
  const share = (lead - lower.lead) / (upper.lead - lower.lead);
  const between = (one: number, other: number) => one + share * (other - one);
  const ifBoth = (one: number | undefined, other: number | undefined) =>
    one === undefined || other === undefined ? undefined : between(one, other);
  return {
    lead,
    persistence: {
      ofHour: between(lower.persistence.ofHour, upper.persistence.ofHour),
      ofDay: between(lower.persistence.ofDay, upper.persistence.ofDay),
    },
    publishedShare: between(lower.publishedShare, upper.publishedShare),
    low: ifBoth(lower.low, upper.low),
    high: ifBoth(lower.high, upper.high),
    deviation: ifBoth(lower.deviation, upper.deviation),
    meanError: ifBoth(lower.meanError, upper.meanError),
  };
}

/** Hours of which a value is known. */
export function countKnown({ values }: Hours): number {
  return values.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
}
