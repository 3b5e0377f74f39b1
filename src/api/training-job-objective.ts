import { z } from 'zod';
import {
  amount,
  type CelRule,
  currencyCode,
  decimal,
  dnsLabel,
  instant,
  integer,
  listByKey,
  withRules,
} from './fields.ts';

const WORK = 'spec.objective.work';

function workFieldRule(field: string, type: string): CelRule {
  return {
    fieldPath: `.${field}`,
    rule: `self.type == '${type}' ? has(self.${field}) : !has(self.${field})`,
    message: `${WORK}.${field} belongs to type ${type}: set it with that type and remove it with any other`,
  };
}

const workSchema = withRules(
  z.object({
    type: z
      .enum(['Steps', 'Samples', 'ValidationLoss', 'Unknown'])
      .default('Unknown')
      .describe(
        'type says what ends the training: a number of optimizer steps, a number of samples, a validation loss, or something that Stepwise is not told.',
      ),
    steps: integer(1, 1_000_000_000_000)
      .optional()
      .describe(
        'steps is the number of optimizer steps at the initial global batch; steps with a larger batch count for more (reference samples). With type Steps only.',
      ),
    samples: integer(1, 1_000_000_000_000_000)
      .optional()
      .describe(
        'samples is the number of samples at the initial global batch; with a larger batch more samples are needed for the same progress (reference samples). With type Samples only.',
      ),
    validationLoss: decimal()
      .optional()
      .describe(
        'validationLoss is the loss, as a decimal string, at which the training ends. With type ValidationLoss only.',
      ),
  }),
  [
    workFieldRule('steps', 'Steps'),
    workFieldRule('samples', 'Samples'),
    workFieldRule('validationLoss', 'ValidationLoss'),
  ],
);

export const objectiveSchema = withRules(
  z.object({
    type: z
      .enum(['CostToTarget', 'TimeToTarget'])
      .default('CostToTarget')
      .describe('type says what is made small: the cost until the work is done, or the time.'),
    work: workSchema.prefault({ type: 'Unknown' }).describe('work that the run has to do.'),
    deadline: instant()
      .optional()
      .describe(
        'deadline by which the work should be done, RFC 3339; reported as DeadlineAtRisk when the forecast misses it.',
      ),
    timeValuePerHour: amount()
      .optional()
      .describe(
        'timeValuePerHour is what an hour sooner is worth, a decimal string in the currency of the pool; with it more workers than the fewest can pay off.',
      ),
  }),
  [
    {
      fieldPath: '.deadline',
      rule: "!has(self.deadline) || self.work.type != 'Unknown'",
      message: `spec.objective.deadline needs to know the work: set ${WORK}.type to Steps, Samples or ValidationLoss, or remove the deadline`,
    },
  ],
);

const budgetCostSchema = z.object({
  amount: withRules(amount(), [
    {
      rule: 'double(self) > 0.0',
      message: 'spec.budget.cost.amount must be above zero: set what the run may cost, or remove spec.budget',
    },
  ]).describe('amount that the run may cost, a decimal string such as "900" or "12.50".'),
  currency: currencyCode().default('USD').describe('currency of the amount, an ISO 4217 code; that of the pools.'),
});

const positive = (path: string) =>
  withRules(amount(), [
    {
      rule: 'double(self) > 0.0',
      message: `${path} must be above zero: set what the run may use, or remove the field`,
    },
  ]);

export const budgetSchema = withRules(
  z.object({
    cost: budgetCostSchema.optional().describe('cost that the run may reach.'),
    energyKilowattHours: positive('spec.budget.energyKilowattHours')
      .optional()
      .describe('energyKilowattHours that the run may use at the meter, a decimal string.'),
    carbonKilograms: positive('spec.budget.carbonKilograms')
      .optional()
      .describe(
        'carbonKilograms of CO2e that the run may emit, a decimal string; hours of unknown intensity count as none.',
      ),
    onExceeded: z
      .enum(['Notify', 'Shrink', 'Suspend', 'Fail'])
      .default('Notify')
      .describe(
        'onExceeded says what happens when a budget is used up, or the forecast of the whole run exceeds it: Notify tells, Shrink runs it as cheaply as its limits allow, Suspend stops the workers after a checkpoint, Fail also ends the run. Suspend and Fail wait until the low end of the forecast exceeds it too.',
      ),
    warnAtPercent: integer(1, 100)
      .default(80)
      .describe('warnAtPercent of a budget, forecast or used, at which a warning is given.'),
  }),
  [
    {
      rule: 'has(self.cost) || has(self.energyKilowattHours) || has(self.carbonKilograms)',
      message: 'spec.budget is empty: set cost, energyKilowattHours or carbonKilograms, or remove spec.budget',
    },
  ],
);

export const capacitySchema = z.object({
  pools: listByKey(z.object({ name: dnsLabel().describe('name of a GPUPool.') }), ['name'], 8)
    .min(1)
    .describe('pools that may be used, in order of preference; the run starts on the first.'),
});
