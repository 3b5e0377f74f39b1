import { z } from 'zod';
import { amount, type CelRule, integer, withRules } from './fields.ts';
import { timeZone, weeklyWindows } from './weekly-windows.ts';

const ECO = 'spec.eco';
/** A year: longer than any run should wait. */
const DELAY_MAX_SECONDS = 31_536_000;

const ecoLimitsSchema = z.object({
  maxPricePerKwh: amount()
    .optional()
    .describe('maxPricePerKwh of electricity, a decimal string in the currency of the pool such as "0.18".'),
  maxGramsCo2ePerKwh: integer(0, 5000)
    .optional()
    .describe('maxGramsCo2ePerKwh is the highest carbon intensity of electricity to run at, in grams CO2e.'),
  minRenewablePercent: integer(0, 100)
    .optional()
    .describe('minRenewablePercent is the lowest share of renewable electricity to run at.'),
});

const rules: readonly CelRule[] = [
  {
    fieldPath: '.mode',
    rule: "self.mode != 'Require' || (has(self.limits) && (has(self.limits.maxPricePerKwh) || has(self.limits.maxGramsCo2ePerKwh) || has(self.limits.minRenewablePercent))) || size(self.windows) > 0",
    message: `${ECO}.mode Require has nothing to require: set a field of ${ECO}.limits or ${ECO}.windows, or use mode Prefer`,
  },
  {
    fieldPath: '.whenShort',
    rule: "self.whenShort == 'Run' || self.mode == 'Require'",
    message: `${ECO}.whenShort Wait belongs to mode Require: set that mode, or use whenShort Run`,
  },
];

export const ecoSchema = withRules(
  z.object({
    mode: z
      .enum(['Off', 'Prefer', 'Require'])
      .default('Off')
      .describe(
        'mode of using cheap and clean hours, in mode Auto: Off takes no notice of them, Prefer waits for them where deadline and budget allow it, Require stays out of the hours that windows and limits exclude unless the deadline would be missed.',
      ),
    carbonPricePerTonne: amount()
      .optional()
      .describe(
        'carbonPricePerTonne is what a tonne CO2e counts in the choice of hours, a decimal string in the currency of the pool; it is not billed.',
      ),
    limits: ecoLimitsSchema
      .optional()
      .describe('limits of the electricity to run on; an hour of which the signal is not known is not excluded.'),
    maxDelaySeconds: integer(0, DELAY_MAX_SECONDS)
      .optional()
      .describe(
        'maxDelaySeconds is how long the run may wait in all, its start included; unset leaves it to the deadline.',
      ),
    maxPauses: integer(0, 100)
      .default(3)
      .describe(
        'maxPauses is how often the run may be paused for cheaper hours, each with a checkpoint and a restart; with 0 only its start waits. Pauses that mode Require needs do not count.',
      ),
    whenShort: z
      .enum(['Run', 'Wait'])
      .default('Run')
      .describe(
        'whenShort says what comes first when windows and limits leave too little time before the deadline: Run keeps the deadline, Wait keeps windows and limits.',
      ),
    timeZone: timeZone(),
    windows: weeklyWindows(`${ECO}.windows`)
      .default([])
      .describe('windows of the week in which to run; none means at any time.'),
  }),
  rules,
);
