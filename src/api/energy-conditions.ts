import type { ConditionCatalog, ConditionTypeOf, ReasonOf } from './condition-catalog.ts';

export const ENERGY_SOURCE_CONDITIONS = {
  Ready: {
    meaning: 'The signal is known now, and plans follow it.',
    reasons: {
      Ready: 'True: the value of this hour is known or forecast from young ones.',
      NotRead: 'Unknown: the provider has not answered yet.',
      Stale: 'False: the last known slot is over for too long; the hours count as alike until the provider answers.',
    },
  },
  ProviderAvailable: {
    meaning: 'The provider answers with values that can be used.',
    reasons: {
      Answers: 'True: the last reading succeeded.',
      PartlyImplausible: 'True: the last reading succeeded, but some of its values cannot be and were left out.',
      Misconfigured: 'False: the spec cannot be carried out, for the reason in the message.',
      NotFound: 'False: the object or zone asked for does not exist.',
      CredentialsMissing: 'False: the Secret does not exist or lacks a key.',
      Unauthorized: 'False: the provider refuses the credentials.',
      Throttled: 'False: the provider was asked too often; it is asked again when it allows it.',
      Unreachable: 'False: there was no answer in time.',
      Refused: 'False: the provider answered with an error.',
      Garbled: 'False: the answer does not have the form that the provider documents.',
      Empty: 'False: the provider has no values for this time.',
      Implausible: 'False: none of the values can be.',
    },
  },
  ShiftingPays: {
    meaning: 'Moving work to better hours is expected to bring at least minimumGainPercent.',
    reasons: {
      Worthwhile: 'True: plans follow the signal.',
      BelowThreshold: 'False: the hours differ too little; nothing is moved for their sake.',
      TooLittleHistory: 'Unknown: fewer days are known than it takes to tell; plans follow what is published.',
    },
  },
} as const satisfies ConditionCatalog;

export type EnergySourceConditionType = ConditionTypeOf<typeof ENERGY_SOURCE_CONDITIONS>;
export type EnergySourceReason<T extends EnergySourceConditionType = EnergySourceConditionType> =
  T extends EnergySourceConditionType ? ReasonOf<typeof ENERGY_SOURCE_CONDITIONS, T> : never;
