import { z } from 'zod';

/** The part of OpenAPI 3.0 that a structural schema of Kubernetes may use and that ours does. */
export interface StructuralSchema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string; fieldPath?: string }[];
}

const INT32_MAX = 2 ** 31 - 1;

/** The schema of one kind as its CRD holds it. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const root = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => clean(jsonSchema as StructuralSchema),
  }) as StructuralSchema;
  const properties = root.properties ?? {};
  // These three belong to the API server; a CRD may not describe them further.
  properties['apiVersion'] = { type: 'string' };
  properties['kind'] = { type: 'string' };
  properties['metadata'] = { type: 'object' };
  root.required = ['spec'].filter((name) => properties[name]?.default === undefined);
  if (root.required.length === 0) delete root.required;
  return root;
}

function clean(node: StructuralSchema): void {
  if (node.type === 'integer')
    node.format = (node.maximum ?? Number.POSITIVE_INFINITY) <= INT32_MAX ? 'int32' : 'int64';
  // zod writes "any further field" as an empty schema, Kubernetes has a word of its own for it.
  if (node.additionalProperties && Object.keys(node.additionalProperties).length === 0) {
    delete node.additionalProperties;
    node['x-kubernetes-preserve-unknown-fields'] = true;
  }
}

/** Calls `visit` with each field below the root and its path, parents first. */
export function visitFields(
  root: StructuralSchema,
  visit: (path: string, node: StructuralSchema, required: boolean) => void,
  prefix = '',
): void {
  for (const [name, child] of Object.entries(root.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    visit(path, child, root.required?.includes(name) ?? false);
    visitFields(child, visit, path);
    if (child.items) visitFields(child.items, visit, `${path}[]`);
    if (child.additionalProperties) visitFields(child.additionalProperties, visit, `${path}[key]`);
  }
}
