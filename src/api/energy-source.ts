import { z } from 'zod';
import { energyProviderSchema } from './energy-provider.ts';
import {
  type CelRule,
  currencyCode,
  decimal,
  dnsSubdomain,
  instant,
  integer,
  pascalCase,
  text,
  withRules,
} from './fields.ts';
import { API_VERSION, ENERGY_SOURCE } from './group.ts';
import { objectMetadataSchema } from './metadata.ts';
import { conditions, count, observedGeneration } from './status-parts.ts';

export const SIGNALS = ['Price', 'CarbonIntensity', 'RenewableShare'] as const;
export const CARBON_BASES = ['Marginal', 'Average', 'Lifecycle'] as const;

const connectionSchema = z.object({
  url: z
    .string()
    .min(8)
    .max(2048)
    .regex(/^https?:\/\/[^\s@]+$/)
    .optional()
    .describe('url of the service, without credentials; unset is the address that the provider publishes.'),
  transport: z
    .enum(['HttpsOnly', 'AllowHttp'])
    .default('HttpsOnly')
    .describe('transport that may be used: HttpsOnly, or AllowHttp for a service inside the cluster.'),
  timeoutSeconds: integer(1, 60).default(10).describe('timeoutSeconds is how long one request may take.'),
});

const credentialsSchema = z.object({
  secretName: dnsSubdomain().describe(
    'secretName of a Secret in the namespace of the operator; it holds token, or username and password.',
  ),
});

/** CEL: whether the unit of provider `at` is one of the signal's. */
const unitFits = (at: string) =>
  `!has(self.provider.${at}) || (self.signal == 'Price' ? self.provider.${at}.unit.startsWith('Currency') : ` +
  `self.signal == 'CarbonIntensity' ? self.provider.${at}.unit in ['GramsPerKwh', 'PoundsPerMwh'] : ` +
  `self.provider.${at}.unit in ['Fraction', 'Percent'])`;

/** What each provider can tell; whatever is not listed tells everything. */
const providerTells =
  "self.provider.type in ['Tariff', 'EntsoE', 'OctopusAgile'] ? self.signal == 'Price' : " +
  "self.provider.type in ['ConfigMap', 'WattTime', 'GbCarbonIntensity', 'CarbonAwareSdk'] ? self.signal == 'CarbonIntensity' : " +
  "self.provider.type == 'EnergyCharts' ? self.signal != 'CarbonIntensity' : true";

const specRules: readonly CelRule[] = [
  {
    fieldPath: '.basis',
    rule: "self.signal == 'CarbonIntensity' ? has(self.basis) : !has(self.basis)",
    message: 'spec.basis belongs to signal CarbonIntensity: set it with that signal and remove it with any other',
  },
  {
    fieldPath: '.currency',
    rule: "self.signal == 'Price' ? has(self.currency) : !has(self.currency)",
    message: 'spec.currency belongs to signal Price: set it with that signal and remove it with any other',
  },
  {
    fieldPath: '.signal',
    rule: providerTells,
    message: 'spec.signal is not told by this provider: set another signal or use another provider',
  },
  {
    fieldPath: '.provider.promQL',
    rule: unitFits('promQL'),
    message: 'spec.provider.promQL.unit does not fit spec.signal: set one of that signal',
  },
  {
    fieldPath: '.provider.csv',
    rule: unitFits('csv'),
    message: 'spec.provider.csv.unit does not fit spec.signal: set one of that signal',
  },
  {
    fieldPath: '.basis',
    rule: "!has(self.basis) || (self.provider.type == 'WattTime' ? self.basis != 'Lifecycle' : self.provider.type == 'ElectricityMaps' ? self.basis != 'Marginal' : self.provider.type == 'GbCarbonIntensity' ? self.basis == 'Average' : true)",
    message:
      'spec.basis is not told by this provider: use Marginal or Average of WattTime, Average or Lifecycle of ElectricityMaps, Average of GbCarbonIntensity',
  },
];

const energySourceSpecSchema = withRules(
  z.object({
    signal: z.enum(SIGNALS).describe('signal that is read: Price, CarbonIntensity or RenewableShare.'),
    basis: z
      .enum(CARBON_BASES)
      .optional()
      .describe(
        'basis of a carbon intensity: Marginal of one more kilowatt-hour, Average of what is burnt, Lifecycle with what building the plants emitted.',
      ),
    currency: currencyCode().optional().describe('currency of a price, an ISO 4217 code.'),
    provider: energyProviderSchema.describe('provider that the signal is read from.'),
    connection: connectionSchema.prefault({}).describe('connection to the provider, where it is a service.'),
    credentials: credentialsSchema.optional().describe('credentials for the provider; unset is none.'),
    refreshSeconds: integer(10, 86_400).default(1800).describe('refreshSeconds is the time between two readings.'),
    staleAfterSeconds: integer(10, 604_800)
      .optional()
      .describe(
        'staleAfterSeconds is how long after the last known slot the signal counts as unknown; unset is two slots or two readings, whichever is longer.',
      ),
    minimumGainPercent: integer(0, 100)
      .default(5)
      .describe('minimumGainPercent that moving work to better hours must bring; below it nothing is moved.'),
  }),
  specRules,
);

const energySourceStatusSchema = z.object({
  observedGeneration: observedGeneration(),
  current: z
    .object({
      value: decimal().describe('value in the slot that has begun.'),
      from: instant().describe('from when the slot lasts.'),
      to: instant().describe('to when the slot lasts.'),
    })
    .optional()
    .describe('current value; absent where it is not known.'),
  unit: text(32).optional().describe('unit of all values: gCO2e/kWh, a currency per kWh, or a fraction.'),
  knownUntil: instant().optional().describe('knownUntil is how far values are measured or published.'),
  lastReadTime: instant().optional().describe('lastReadTime is when the provider last answered.'),
  nextReadTime: instant().optional().describe('nextReadTime is when it is asked again.'),
  lastError: z
    .object({
      reason: pascalCase().describe('reason why there was no answer, or none that could be used.'),
      message: text(1024).describe('message for people.'),
      failures: count().describe('failures in a row.'),
    })
    .optional()
    .describe('lastError of a reading; absent when the last one succeeded.'),
  forecast: z
    .object({
      method: z
        .enum(['Published', 'Blended', 'LastDays', 'None'])
        .describe('method by which the next day is forecast.'),
      errorPercent: count().optional().describe('errorPercent of the mean, a day ahead, by its own past forecasts.'),
      historyHours: count().describe('historyHours that are known of the last weeks.'),
    })
    .optional()
    .describe('forecast of the hours to come.'),
  expectedGainPercent: count()
    .optional()
    .describe('expectedGainPercent of working in the best third of a day; absent where too little is known.'),
  conditions: conditions(),
});

const energySourceNameRule: CelRule = {
  rule: "size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
  message:
    'metadata.name of an EnergySource is used as a label value: use at most 63 lower-case letters, digits and dashes, without dots',
};

export const energySourceSchema = withRules(
  z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(ENERGY_SOURCE.kind),
    metadata: objectMetadataSchema,
    spec: energySourceSpecSchema.describe('spec is what the administrator states.'),
    status: energySourceStatusSchema.optional().describe('status is what Stepwise found; only Stepwise writes it.'),
  }),
  [energySourceNameRule],
).describe('EnergySource is where a price of electricity, its carbon intensity or its renewable share is read.');

/** As the API server returns it: defaults filled in. */
export type EnergySource = z.output<typeof energySourceSchema>;
export type EnergySourceSpec = EnergySource['spec'];
export type EnergySourceStatus = NonNullable<EnergySource['status']>;
