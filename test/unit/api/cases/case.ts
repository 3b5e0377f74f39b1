/** An object of the API, or a part of one, as JSON. */
export interface JsonObject {
  [field: string]: unknown;
}

/** A valid object after a change; the API server must admit it. */
export type ValidCases = Record<string, JsonObject>;

export interface InvalidCase {
  /** A JSON merge patch on the valid base: null takes a field away. */
  readonly change: JsonObject;
  /** The field that the API server must blame. */
  readonly field: string;
  /** Words of the message: what is wrong and the remedy. */
  readonly says: RegExp;
  /** Whose job it is: a bound of the schema, which TypeScript checks too, or a CEL rule, which the server alone does. */
  readonly by: 'schema' | 'rule';
}

export type InvalidCases = Record<string, InvalidCase>;

/** JSON merge patch, RFC 7396. */
export function changed(base: JsonObject, change: JsonObject): JsonObject {
  const result: JsonObject = structuredClone(base);
  for (const [field, value] of Object.entries(change)) {
    if (value === null) delete result[field];
    else if (isObject(value)) result[field] = changed(isObject(result[field]) ? result[field] : {}, value);
    else result[field] = structuredClone(value);
  }
  return result;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const spec = (change: JsonObject): JsonObject => ({ spec: change });
