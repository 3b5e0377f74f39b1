import { z } from 'zod';
import { type CelRule, dnsLabel, integer, withRules } from './fields.ts';

const MODEL = 'spec.prediction.model';
/** The largest integer that JSON carries unharmed. */
const MOST = Number.MAX_SAFE_INTEGER;

const shapeRule: CelRule = {
  fieldPath: '.sequenceLength',
  rule: 'has(self.sequenceLength) == has(self.layers) && has(self.layers) == has(self.hiddenSize)',
  message: `${MODEL}.sequenceLength, layers and hiddenSize describe a transformer together: set all three or remove them`,
};

const modelSchema = withRules(
  z.object({
    parameters: integer(1, MOST)
      .optional()
      .describe('parameters of the model; unset means what layers, hiddenSize and vocabularySize come to.'),
    flopsPerSample: integer(1, MOST)
      .optional()
      .describe(
        'flopsPerSample is the floating-point operations of a forward and a backward pass for one sample; unset means what a transformer of these dimensions takes.',
      ),
    activationBytesPerSample: integer(1, MOST)
      .optional()
      .describe(
        'activationBytesPerSample is the memory that a forward pass keeps for the backward pass, for one sample; unset means what a transformer of these dimensions keeps.',
      ),
    sequenceLength: integer(1, 16_777_216).optional().describe('sequenceLength is the tokens of one sample.'),
    layers: integer(1, 10_000).optional().describe('layers is the number of transformer layers.'),
    hiddenSize: integer(1, 1_000_000).optional().describe('hiddenSize is the width of a layer.'),
    attentionHeads: integer(1, 10_000)
      .optional()
      .describe('attentionHeads of a layer; unset means one for each 64 of hiddenSize.'),
    vocabularySize: integer(1, 10_000_000)
      .optional()
      .describe('vocabularySize is the number of tokens that are told apart; unset leaves embedding and logits out.'),
    precision: z
      .enum(['FP32', 'TF32', 'BF16', 'FP16'])
      .default('BF16')
      .describe(
        'precision of the multiplications; BF16 and FP16 are mixed precision with a master copy of the weights in 32 bits.',
      ),
    optimizer: z
      .enum(['SGD', 'Momentum', 'Adam'])
      .default('Adam')
      .describe('optimizer by the state that it keeps for each parameter: none, one number, or two as AdamW does.'),
    sharding: z
      .enum(['None', 'OptimizerState', 'Gradients', 'Parameters'])
      .default('None')
      .describe(
        'sharding says what is divided among the ranks, each including the ones before it: ZeRO stages 1, 2 and 3; FSDP is Parameters.',
      ),
    recomputation: z
      .enum(['None', 'Selective', 'Full'])
      .default('Selective')
      .describe(
        'recomputation of activations in the backward pass: None keeps all, Selective does not keep the attention matrix (as FlashAttention), Full keeps the inputs of layers only.',
      ),
    dropout: z
      .enum(['Used', 'None'])
      .default('Used')
      .describe('dropout says whether layers and attention drop activations in training, which takes memory.'),
  }),
  [
    shapeRule,
    {
      fieldPath: '.parameters',
      rule: 'has(self.parameters) || has(self.layers)',
      message: `${MODEL} does not tell the size of the model: set ${MODEL}.parameters, or sequenceLength, layers and hiddenSize`,
    },
  ],
);

/** What is known of the run before it starts. */
export const predictionSchema = z.object({
  family: dnsLabel()
    .optional()
    .describe(
      'family of runs that learn from each other, and name of their TrainingProfile; unset means that nothing is kept or read.',
    ),
  model: modelSchema.optional().describe('model as its author knows it, for a forecast before anything is measured.'),
});
