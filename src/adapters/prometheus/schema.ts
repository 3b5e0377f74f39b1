import { z } from 'zod';

/** The part of Prometheus' instant-query answer that is read. */
export const instantVectorSchema = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN and the infinities are passed on: what they mean is for the reader to say. */
  readonly value: number;
}
