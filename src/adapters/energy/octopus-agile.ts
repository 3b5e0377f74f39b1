import { z } from 'zod';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { instantOf, orEmpty, toSecond } from './points.ts';
import { checkCurrency, partOf, type ReadProvider } from './reading.ts';

const PUBLISHED_URL = 'https://api.octopus.energy';
const AHEAD_SECONDS = 2 * 86_400;
const SLOT_SECONDS = 1800;
const PAGE_SIZE = 1500;
const PENCE_PER_POUND = 100;

const answerSchema = z.object({
  results: z.array(
    z.object({
      value_exc_vat: z.number(),
      value_inc_vat: z.number(),
      valid_from: z.string(),
      valid_to: z.string().nullish(),
      payment_method: z.string().nullish(),
    }),
  ),
});

/** Half-hourly rates in pence, newest first; those of the next day come in the afternoon. No key. */
export const readOctopusAgile: ReadProvider = async (reading) => {
  const { product, region, vat } = partOf(reading, 'octopusAgile');
  checkCurrency(reading, 'GBP', 'Octopus Energy');
  const tariff = `E-1R-${product}-${region}`;
  const { results } = await reading.serviceAt(PUBLISHED_URL).json(answerSchema, {
    path: `/v1/products/${product}/electricity-tariffs/${tariff}/standard-unit-rates/`,
    // A page of this size holds the four weeks that are wanted at most.
    query: {
      period_from: toSecond(reading.since),
      period_to: toSecond(reading.now + AHEAD_SECONDS),
      page_size: PAGE_SIZE,
    },
  });
  const slots = results
    .filter(({ payment_method }) => payment_method !== 'NON_DIRECT_DEBIT')
    .map((rate): SignalSlot => {
      const from = instantOf(rate.valid_from);
      // The last rate published has no end yet.
      const to = typeof rate.valid_to === 'string' ? instantOf(rate.valid_to) : from + SLOT_SECONDS;
      const pence = vat === 'Included' ? rate.value_inc_vat : rate.value_exc_vat;
      return { from, to, value: pence / PENCE_PER_POUND };
    });
  return orEmpty(slots, `tariff ${tariff}`);
};
