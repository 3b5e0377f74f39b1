import { expect } from 'chai';
import { CUSTOM_RESOURCES } from '../../src/api/resources.ts';
import { type StructuralSchema, structuralSchema, visitFields } from '../../tools/codegen/structural-schema.ts';

/** What the linter of an API review would ask of each field; each answers with what is wrong. */
type Review = (field: Field) => string | undefined;

interface Field {
  readonly path: string;
  readonly name: string;
  readonly node: StructuralSchema;
  readonly required: boolean;
}

const DESCRIPTION_LENGTH_MIN = 12;

const REVIEWS: Record<string, Review> = {
  'the description begins with the name of the field': ({ node, name, path }) => {
    const isItem = path.endsWith(']');
    if (isItem) return undefined;
    const description = node.description ?? '';
    const begins = description.split(/[ :,]/)[0] === name;
    return begins && description.length >= DESCRIPTION_LENGTH_MIN ? undefined : `description is "${description}"`;
  },
  'the description is a sentence': ({ node, path }) =>
    path.endsWith(']') || node.description?.endsWith('.') ? undefined : `description is "${node.description}"`,
  'there are no floats': ({ node }) => (node.type === 'number' ? 'type is number' : undefined),
  'every field has a type': ({ node }) => (node.type === undefined ? 'type is missing' : undefined),
  'integers are bounded and have a format': ({ node }) => {
    if (node.type !== 'integer') return undefined;
    const complete = node.minimum !== undefined && node.maximum !== undefined && /^int(32|64)$/.test(node.format ?? '');
    return complete ? undefined : 'minimum, maximum or format is missing';
  },
  'strings are bounded': ({ node }) =>
    node.type === 'string' && node.maxLength === undefined && node.enum === undefined
      ? 'maxLength is missing'
      : undefined,
  'lists are bounded and say how they merge': ({ node }) => {
    if (node.type !== 'array') return undefined;
    return node.maxItems !== undefined && node['x-kubernetes-list-type'] !== undefined
      ? undefined
      : 'maxItems or list type is missing';
  },
  'lists of objects in the spec merge by key': ({ node, path }) => {
    if (node.type !== 'array' || node.items?.type !== 'object' || path.startsWith('status')) return undefined;
    return node['x-kubernetes-list-type'] === 'map' ? undefined : `list type is ${node['x-kubernetes-list-type']}`;
  },
  'maps are bounded': ({ node }) =>
    node.additionalProperties !== undefined && node.maxProperties === undefined
      ? 'maxProperties is missing'
      : undefined,
  'a default is not required': ({ node, required }) =>
    required && node.default !== undefined ? 'is required and has a default' : undefined,
  'the status has no defaults': ({ node, path }) =>
    path.startsWith('status') && node.default !== undefined ? `default is ${JSON.stringify(node.default)}` : undefined,
  'durations and sizes carry their unit': ({ name, node }) =>
    node.type === 'integer' &&
    /(timeout|delay|interval|cooldown|deadline|limit|window|memory)$/i.test(name) &&
    name !== 'backoffLimit'
      ? 'the name lacks its unit'
      : undefined,
  'rules say what is wrong and the remedy': ({ node }) => {
    const vague = (node['x-kubernetes-validations'] ?? []).filter(({ message }) => !isHelpful(message));
    return vague.length === 0 ? undefined : `message is "${vague[0]?.message}"`;
  },
};

/** Names a field by its path and goes on with what to do about it. */
function isHelpful(message: string): boolean {
  return /^(spec|metadata)\.[\w.]+/.test(message) && /[:,] ?\w|set |use |remove /.test(message);
}

function fieldsOf(schema: StructuralSchema): Field[] {
  const fields: Field[] = [];
  visitFields(schema, (path, node, required) => {
    const name = path.split('.').at(-1) ?? path;
    if (path.startsWith('spec') || path.startsWith('status')) fields.push({ path, name, node, required });
  });
  return fields;
}

/** Items of lists have no name of their own, but the same bounds to keep. */
function itemsOf(fields: readonly Field[]): Field[] {
  return fields.flatMap(({ path, node }) => {
    const item = node.items ?? node.additionalProperties;
    return item === undefined ? [] : [{ path: `${path}[]`, name: '[]', node: item, required: false }];
  });
}

describe('API review', () => {
  for (const { names, schema } of CUSTOM_RESOURCES) {
    describe(names.kind, () => {
      const fields = fieldsOf(structuralSchema(schema));
      const all = [...fields, ...itemsOf(fields)];
      for (const [question, review] of Object.entries(REVIEWS)) {
        it(question, () => {
          const complaints = all.flatMap((field) => {
            const complaint = review(field);
            return complaint === undefined ? [] : [`${field.path}: ${complaint}`];
          });
          expect(complaints).to.deep.equal([]);
        });
      }
    });
  }

  it('reads every field', () => {
    const counts = CUSTOM_RESOURCES.map(({ schema }) => fieldsOf(structuralSchema(schema)).length);
    expect(Math.min(...counts)).to.be.greaterThan(15);
  });

  it('complains where there is something to complain about', () => {
    const bad: Field = {
      path: 'spec.size',
      name: 'size',
      node: { type: 'number', description: 'how big' },
      required: false,
    };
    const unbounded: Field = { ...bad, node: { type: 'array', items: { type: 'string' } } };
    expect(REVIEWS['there are no floats']?.(bad)).to.equal('type is number');
    expect(REVIEWS['the description begins with the name of the field']?.(bad)).to.contain('how big');
    expect(REVIEWS['lists are bounded and say how they merge']?.(unbounded)).to.contain('maxItems');
  });
});
