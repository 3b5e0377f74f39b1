import { z } from 'zod';
import { TRAINING_JOB_LABEL } from '../../src/api/annotations.ts';
import { TRAINER_METRICS, type TrainerMetric } from '../../src/api/trainer-metrics.ts';
import {
  METRICS_PATH,
  METRICS_PORT_DEFAULT,
  METRICS_PORT_NAME,
  REJECTION_REASONS,
  TRAINER_ENVIRONMENT,
  TRAINER_PROTOCOL,
  TUNING_FILE_PATH,
  type Tuning,
  tuningSchema,
} from '../../src/api/trainer-protocol.ts';
import { code, GENERATED_NOTE, page, table } from './markdown.ts';
import type { StructuralSchema } from './structural-schema.ts';

const EXAMPLE: Tuning = {
  protocol: TRAINER_PROTOCOL,
  version: 7,
  globalBatchSize: 768,
  microBatchSize: 24,
  gradientAccumulationSteps: 4,
  dataParallelSize: 8,
  learningRateScale: 1.41,
  effectiveAt: 'nextStep',
  checkpointRequest: 3,
  reason: 'batch 512 to 768: fewer seconds of overhead per sample',
};

/** docs/reference/trainer-protocol.md: all that a trainer in any language needs. */
export function trainerProtocolPage(): string {
  return page([
    `<!-- ${GENERATED_NOTE} -->`,
    `# Trainer protocol: ${TRAINER_PROTOCOL}`,
    'A trainer in any language and framework takes part with one file and one metrics page. These names are fixed within the version of the protocol.',
    '## In: the tuning file',
    `${code(TUNING_FILE_PATH)}, from a ConfigMap volume; another path may be given by \`STEPWISE_TUNING_FILE\`. It is replaced atomically. Unknown fields are ignored. A file that does not parse, or holds impossible numbers, is rejected and the running configuration is kept.`,
    `\`\`\`json\n${JSON.stringify(tuningSchema.parse(EXAMPLE), null, 2)}\n\`\`\``,
    table(['field', 'type', 'meaning'], tuningRows()),
    '## Out: metrics',
    `Prometheus metrics on the container port named ${code(METRICS_PORT_NAME)} (default ${METRICS_PORT_DEFAULT}, path ${code(METRICS_PATH)}), each rank its own page. The scrape adds \`namespace\`, \`pod\` and \`training_job\`, the last from the pod label ${code(TRAINING_JOB_LABEL)}: a trainer need not know its own name.`,
    table(['metric', 'type', 'labels', 'meaning'], Object.values(TRAINER_METRICS).map(metricRow)),
    'With G_s and G_l the increases of the two sums of square norms divided by the increase of the observations, and b_s < b_l the two batch sizes: |G|² = (b_l·G_l − b_s·G_s) / (b_l − b_s), tr Σ = (G_s − G_l) / (1/b_s − 1/b_l), and the gradient noise scale is tr Σ / |G|² in samples: a ratio of sums, never a mean of ratios (McCandlish et al. 2018, appendix A). Optimizers of the Adam kind divide the gradients by the root of their second moment first.',
    'A job without the gradient metrics is still scaled; without `stepwise_trainer_samples_total` it is only observed.',
    '## Reasons for a rejection',
    table(
      ['reason', 'meaning'],
      Object.entries(REJECTION_REASONS).map(([reason, meaning]) => [code(reason), meaning]),
    ),
    '## Environment given to workers',
    table(
      ['variable', 'meaning'],
      Object.entries(TRAINER_ENVIRONMENT).map(([name, meaning]) => [code(name), meaning]),
    ),
  ]);
}

function tuningRows(): string[][] {
  const schema = z.toJSONSchema(tuningSchema, { io: 'input' }) as StructuralSchema;
  return Object.entries(schema.properties ?? {}).map(([name, { type, enum: values, description }]) => [
    code(name),
    values ? values.map(code).join(', ') : (type ?? ''),
    description ?? '',
  ]);
}

function metricRow({ name, type, labels, meaning }: TrainerMetric): string[] {
  const shown = Object.entries(labels ?? {}).map(([label, values]) => `${code(label)}: ${values.map(code).join(', ')}`);
  return [code(name), type, shown.join('; '), meaning];
}
