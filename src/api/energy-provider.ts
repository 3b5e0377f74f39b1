import { z } from 'zod';
import { amount, dnsLabel, dnsSubdomain, integer, listByKey, setOf, text, withRules } from './fields.ts';

/** Where a signal is read; one part of the object belongs to each type. */
const PROVIDER_PARTS = {
  Tariff: 'tariff',
  ConfigMap: 'configMap',
  PromQL: 'promQL',
  Csv: 'csv',
  ElectricityMaps: 'electricityMaps',
  WattTime: 'wattTime',
  GbCarbonIntensity: 'gbCarbonIntensity',
  EnergyCharts: 'energyCharts',
  EntsoE: 'entsoE',
  OctopusAgile: 'octopusAgile',
  CarbonAwareSdk: 'carbonAwareSdk',
} as const;

export type ProviderType = keyof typeof PROVIDER_PARTS;

const PROVIDER_TYPES = Object.keys(PROVIDER_PARTS) as [ProviderType, ...ProviderType[]];

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

const UNITS = ['GramsPerKwh', 'PoundsPerMwh', 'CurrencyPerKwh', 'CurrencyPerMwh', 'Fraction', 'Percent'] as const;

export type SignalUnit = (typeof UNITS)[number];

const unit = () => z.enum(UNITS).describe('unit of the values as they are read.');

/** A name as services use them for zones, regions and products. */
const code = () =>
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/);

const configMapKey = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._A-Za-z0-9]+$/);

const timeOfDay = () =>
  z
    .string()
    .length(5)
    .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/);

const periodSchema = z.object({
  name: dnsLabel().describe('name of the period.'),
  days: setOf(z.enum(WEEKDAYS), 7)
    .min(1)
    .default([...WEEKDAYS])
    .describe('days of the week on which the period begins.'),
  months: setOf(integer(1, 12), 12).default([]).describe('months in which it holds; none is all of them.'),
  from: timeOfDay().describe('from which time of day, such as "17:00".'),
  to: timeOfDay().describe('to which time of day; not after from means that of the next day.'),
  pricePerKwh: amount().describe('pricePerKwh in the period, a decimal string.'),
});

const tariffSchema = z.object({
  timeZone: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9_+/-]+$/)
    .default('UTC')
    .describe('timeZone of the tariff, such as Europe/Berlin.'),
  pricePerKwh: amount().describe('pricePerKwh outside of all periods, a decimal string.'),
  periods: listByKey(periodSchema, ['name'], 24)
    .default([])
    .describe('periods with a price of their own; of several that hold, the first counts.'),
});

const configMapSchema = z.object({
  namespace: dnsLabel().describe('namespace of the ConfigMap.'),
  name: dnsSubdomain().describe('name of the ConfigMap.'),
  key: configMapKey()
    .default('data')
    .describe('key that holds the forecast, as the Azure carbon-intensity exporter writes it.'),
});

const promQlSchema = z.object({
  query: text(2048).min(1).describe('query in PromQL that gives one series.'),
  unit: unit(),
  slotSeconds: integer(60, 3600)
    .default(3600)
    .describe('slotSeconds is the time between two values that are asked for.'),
});

const csvSchema = z.object({
  configMap: z
    .object({
      namespace: dnsLabel().describe('namespace of the ConfigMap.'),
      name: dnsSubdomain().describe('name of the ConfigMap.'),
      key: configMapKey().describe('key of the file in the ConfigMap.'),
    })
    .optional()
    .describe('configMap that holds the file; unset reads it from spec.connection.url.'),
  timeColumn: code().default('datetime_utc').describe('timeColumn holds when each slot begins, as in RFC 3339.'),
  column: code().describe('column of the values.'),
  unit: unit(),
  replay: z
    .enum(['Repeat', 'Once'])
    .default('Repeat')
    .describe('replay of the file: Repeat begins it anew, from its end and before its start; Once takes it as it is.'),
  publishedHours: integer(0, 168)
    .default(24)
    .describe('publishedHours of the future that are told; 0 leaves the future to the forecast of Stepwise.'),
});

const providerShape = z.object({
  type: z.enum(PROVIDER_TYPES).describe('type of the provider.'),
  tariff: tariffSchema.optional().describe('tariff by time of use.'),
  configMap: configMapSchema.optional().describe('configMap written by the Azure carbon-intensity exporter.'),
  promQL: promQlSchema
    .optional()
    .describe('promQL query; of the Prometheus of the operator unless spec.connection.url names another.'),
  csv: csvSchema.optional().describe('csv file that is replayed.'),
  electricityMaps: z
    .object({ zone: code().describe('zone such as DE or US-CAL-CISO.') })
    .optional()
    .describe('electricityMaps asks Electricity Maps, API version 3.'),
  wattTime: z
    .object({ region: code().describe('region such as CAISO_NORTH.') })
    .optional()
    .describe('wattTime asks WattTime, API version 3.'),
  gbCarbonIntensity: z
    .object({ regionId: integer(0, 17).default(0).describe('regionId of the region, 1 to 17; 0 is Great Britain.') })
    .optional()
    .describe('gbCarbonIntensity asks the Carbon Intensity API of Great Britain.'),
  energyCharts: z
    .object({
      zone: code().describe(
        'zone is the bidding zone of a price, such as DE-LU, or the country of a renewable share, such as de.',
      ),
    })
    .optional()
    .describe('energyCharts asks Energy-Charts of Fraunhofer ISE.'),
  entsoE: z
    .object({
      biddingZone: z
        .string()
        .length(16)
        .regex(/^[A-Z0-9-]{16}$/)
        .describe('biddingZone by its EIC code, such as 10Y1001A1001A82H.'),
    })
    .optional()
    .describe('entsoE asks the ENTSO-E Transparency Platform for day-ahead prices.'),
  octopusAgile: z
    .object({
      product: code().describe('product code, such as AGILE-24-10-01.'),
      region: z
        .string()
        .length(1)
        .regex(/^[A-P]$/)
        .describe('region by the letter of its grid supply point.'),
      vat: z.enum(['Included', 'Excluded']).default('Excluded').describe('vat is Included in the price or Excluded.'),
    })
    .optional()
    .describe('octopusAgile asks for the half-hourly unit rates of Octopus Energy.'),
  carbonAwareSdk: z
    .object({ location: code().describe('location as the SDK names it, such as westeurope.') })
    .optional()
    .describe('carbonAwareSdk asks a web API of the Carbon Aware SDK at spec.connection.url.'),
});

/** CEL: the part of the type is there, and no other. */
const partOfItsType = Object.entries(PROVIDER_PARTS)
  .map(([type, part]) => `(self.type == '${type}') == has(self.${part})`)
  .join(' && ');

export const energyProviderSchema = withRules(providerShape, [
  {
    fieldPath: '.type',
    rule: partOfItsType,
    message: 'spec.provider.type needs the field of the same name and no other: set that one and remove the others',
  },
]);

export type EnergyProvider = z.output<typeof energyProviderSchema>;
