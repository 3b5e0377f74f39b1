import { API_GROUP, API_VERSION_NAME } from '../../src/api/group.ts';
import type { CustomResource } from '../../src/api/resources.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

export interface CustomResourceDefinition {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    group: string;
    names: Record<string, unknown>;
    scope: string;
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: StructuralSchema };
      subresources: Record<string, unknown>;
      additionalPrinterColumns: Record<string, unknown>[];
    }[];
  };
}

export function crdFor({ names, schema, columns, scale }: CustomResource): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      names: {
        kind: names.kind,
        listKind: `${names.kind}List`,
        plural: names.plural,
        singular: names.singular,
        shortNames: [...names.shortNames],
        categories: ['all', 'ml'],
      },
      scope: names.scope,
      versions: [
        {
          name: API_VERSION_NAME,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: structuralSchema(schema) },
          subresources: { status: {}, ...(scale && { scale: { ...scale } }) },
          additionalPrinterColumns: columns.map(({ name, type, jsonPath, wide }) => ({
            name,
            type,
            jsonPath,
            ...(wide && { priority: 1 }),
          })),
        },
      ],
    },
  };
}
