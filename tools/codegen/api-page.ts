import { OPERATOR_KEYS, USER_ANNOTATIONS } from '../../src/api/annotations.ts';
import type { ConditionCatalog } from '../../src/api/condition-catalog.ts';
import { CHANGE_REASONS, HOLD_REASONS, OPTION_VERDICTS } from '../../src/api/conditions.ts';
import { API_VERSION } from '../../src/api/group.ts';
import type { CustomResource } from '../../src/api/resources.ts';
import { code, GENERATED_NOTE, page, table } from './markdown.ts';
import { type StructuralSchema, structuralSchema, visitFields } from './structural-schema.ts';

/** docs/reference/api.md: every field, rule, condition, reason, column and annotation. */
export function apiPage(resources: readonly CustomResource[]): string {
  return page([
    `<!-- ${GENERATED_NOTE} -->`,
    `# API reference: ${API_VERSION}`,
    'Conditions are the contract: programs read conditions and their reasons; `status.state` and `status.summary` are for people. A field without "required" and without a default may be left out. Decimal strings keep money and measurements free of rounding: `"0.526"`.',
    resources.map(({ names }) => `- [${names.kind}](#${names.kind.toLowerCase()})`).join('\n'),
    ...resources.flatMap(kindParts),
    '## Reasons for holding a change',
    'A decision with the action `Hold` gives one of these reasons.',
    wordTable('reason', HOLD_REASONS),
    '## Reasons for a change',
    'What the planner decides to change has one of these reasons.',
    wordTable('reason', CHANGE_REASONS),
    '## Verdicts on options',
    '`status.recommendation.options` records the configurations that were weighed, each with one of these verdicts.',
    wordTable('verdict', OPTION_VERDICTS),
    '## Annotations for users',
    keyTable(USER_ANNOTATIONS),
    '## Labels and annotations that Stepwise sets',
    keyTable(OPERATOR_KEYS),
  ]);
}

function kindParts(resource: CustomResource): string[] {
  const { names, columns, conditions, scale } = resource;
  const schema = structuralSchema(resource.schema);
  const short = names.shortNames.map(code).join(', ');
  return [
    `## ${names.kind}`,
    `${schema.description ?? ''} ${names.scope === 'Cluster' ? 'Cluster-scoped' : 'Namespaced'}, short name ${short}, full name \`${names.plural}.${API_VERSION.split('/')[0]}\`.`,
    scale === undefined
      ? ''
      : `The scale subresource writes \`${scale.specReplicasPath}\` and reads \`${scale.statusReplicasPath}\` and \`${scale.labelSelectorPath}\`.`,
    `### ${names.kind} spec`,
    fieldTable(schema, 'spec'),
    `### ${names.kind} rules`,
    'Checked by the API server beside the bounds above.',
    ruleList(schema),
    `### ${names.kind} status`,
    fieldTable(schema, 'status'),
    `### ${names.kind} conditions`,
    conditionTable(conditions),
    `### ${names.kind} columns of kubectl get`,
    table(
      ['column', 'from', 'shown'],
      columns.map(({ name, jsonPath, wide }) => [name, code(jsonPath), wide ? 'with -o wide' : 'always']),
    ),
  ];
}

function fieldTable(schema: StructuralSchema, under: 'spec' | 'status'): string {
  const rows: string[][] = [];
  visitFields(schema, (path, node, required) => {
    if (!path.startsWith(`${under}.`)) return;
    rows.push([code(path), typeOf(node), defaultOf(node, required), boundsOf(node), node.description ?? '']);
  });
  return table(['field', 'type', 'default', 'bounds', 'description'], rows);
}

function typeOf(node: StructuralSchema): string {
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.type === 'array') return `list of ${node.items?.type ?? 'any'}`;
  if (node.additionalProperties) return `map of ${node.additionalProperties.type ?? 'any'}`;
  if (node.format === 'date-time') return 'time, RFC 3339';
  return node.type ?? '';
}

function defaultOf(node: StructuralSchema, required: boolean): string {
  if (required) return 'required';
  return node.default === undefined ? '' : code(JSON.stringify(node.default));
}

function boundsOf(node: StructuralSchema): string {
  const range = (what: string, low: number | undefined, high: number | undefined): string => {
    if (high === undefined) return low === undefined ? '' : `at least ${low}${what}`;
    return low === undefined || low === 0 ? `at most ${high}${what}` : `${low} to ${high}${what}`;
  };
  if (node.type === 'integer') {
    return node.maximum === Number.MAX_SAFE_INTEGER ? `${node.minimum} or more` : `${node.minimum} to ${node.maximum}`;
  }
  return [
    range(' characters', node.minLength, node.enum ? undefined : node.maxLength),
    node.pattern === undefined ? '' : code(node.pattern),
    range(' items', node.minItems, node.maxItems),
    range(' entries', undefined, node.maxProperties),
    node['x-kubernetes-list-map-keys'] ? `unique by ${node['x-kubernetes-list-map-keys'].join(', ')}` : '',
    node['x-kubernetes-list-type'] === 'set' ? 'no duplicates' : '',
    node['x-kubernetes-preserve-unknown-fields'] ? 'further fields are kept' : '',
  ]
    .filter((bound) => bound !== '')
    .join('; ');
}

function ruleList(schema: StructuralSchema): string {
  const messages = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message);
  visitFields(schema, (_path, node) => {
    for (const { message } of node['x-kubernetes-validations'] ?? []) messages.push(message);
  });
  return messages.length === 0 ? 'None.' : messages.map((message) => `- ${message}.`).join('\n');
}

function conditionTable(catalog: ConditionCatalog): string {
  const rows = Object.entries(catalog).flatMap(([type, { meaning, reasons }]) => [
    [code(type), '', meaning],
    ...Object.entries(reasons).map(([reason, text]) => ['', code(reason), text]),
  ]);
  return table(['condition', 'reason', 'meaning'], rows);
}

function wordTable(what: string, words: Readonly<Record<string, string>>): string {
  return table(
    [what, 'meaning'],
    Object.entries(words).map(([word, meaning]) => [code(word), meaning]),
  );
}

function keyTable(keys: typeof USER_ANNOTATIONS): string {
  return table(
    ['key', 'on', 'value', 'meaning'],
    keys.map(({ key, on, value, meaning }) => [code(key), on, value, meaning]),
  );
}
