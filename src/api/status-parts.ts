import { z } from 'zod';
import { decimal, instant, integer, listByKey, pascalCase, text } from './fields.ts';

/** The largest integer that JSON carries unharmed, for counters. */
const COUNT_MAX = Number.MAX_SAFE_INTEGER;

export const count = () => integer(0, COUNT_MAX);

/** An estimate with its interval; all three are decimal strings in the unit that the field's name gives. */
export const interval = () =>
  z.object({
    value: decimal().describe('value that is most likely.'),
    low: decimal().optional().describe('low end of the 90 % interval; left out when it is not known.'),
    high: decimal().optional().describe('high end of the 90 % interval; left out when it is not known.'),
  });

/** metav1.Condition. */
export const conditionSchema = z.object({
  type: pascalCase().describe('type of the condition.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('status of the condition.'),
  reason: pascalCase().describe('reason for the status, a stable word that programs may read.'),
  message: text(2048).describe('message for people, with figures.'),
  lastTransitionTime: instant().describe('lastTransitionTime is when the status last changed.'),
  observedGeneration: count().optional().describe('observedGeneration of the object that the condition is about.'),
});

export const conditions = () =>
  listByKey(conditionSchema, ['type'], 20)
    .optional()
    .describe('conditions are the contract: programs should read them and nothing else of the status.');

export const observedGeneration = () =>
  count().optional().describe('observedGeneration of the spec that this status answers.');

export type Condition = z.output<typeof conditionSchema>;
export type Interval = z.output<ReturnType<typeof interval>>;
