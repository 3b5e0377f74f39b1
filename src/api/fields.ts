import { z } from 'zod';

/**
 * The building blocks of the schemas. Every string, list and map has a bound, because the API server
 * prices CEL rules by them and refuses a CRD whose rules could become dear.
 */

/** A rule in the Common Expression Language that the API server checks. */
export interface CelRule {
  readonly rule: string;
  /** The field to blame, below the one that carries the rule: ".replicas". */
  readonly fieldPath?: string;
  /** Names the field, what is wrong and the remedy. */
  readonly message: string;
}

/**
 * Attaches CEL rules to a schema: they travel into the CRD and are judged by the API server only.
 * The server judges the default of an object before it fills in the defaults inside it, so a default
 * must state what the rules read: `prefault({ type: 'Any' })` where a rule asks for the type.
 */
export function withRules<S extends z.ZodType>(schema: S, rules: readonly CelRule[]): S {
  return schema.meta({ 'x-kubernetes-validations': rules });
}

/** A rule that refuses every later change of a value. `path` is the field as users write it. */
export function immutable(path: string, remedy: string): CelRule {
  return { rule: 'self == oldSelf', message: `${path} cannot be changed: ${remedy}` };
}

export const integer = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

export const text = (maximumLength: number) => z.string().max(maximumLength);

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const dnsLabel = () => z.string().min(1).max(63).regex(DNS_LABEL);

export const dnsSubdomain = () => z.string().min(1).max(253).regex(DNS_SUBDOMAIN);

/** A stable machine word: reasons, states, actions. */
export const pascalCase = () =>
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Z][A-Za-z0-9]*$/);

/** A number of money or the like, zero or more, without the rounding of floats: "0.526". */
export const amount = () =>
  z
    .string()
    .min(1)
    .max(20)
    .regex(/^[0-9]{1,12}(\.[0-9]{1,6})?$/);

/** A measured or computed number in a status: "0.0069", "-12.5". Made by `toDecimal`. */
export const decimal = () =>
  z
    .string()
    .min(1)
    .max(40)
    .regex(/^-?[0-9]{1,21}(\.[0-9]{1,15})?$/);

export const currencyCode = () =>
  z
    .string()
    .length(3)
    .regex(/^[A-Z]{3}$/);

/** A point in time, RFC 3339. The API server checks the format, TypeScript that it can be read. */
export const instant = () =>
  z
    .string()
    .max(64)
    .refine((value) => !Number.isNaN(Date.parse(value)), 'must be a time as in RFC 3339, such as 2026-12-01T08:00:00Z')
    .meta({ format: 'date-time' });

/** A list of objects that server-side apply merges by their keys. */
export function listByKey<S extends z.ZodType>(item: S, keys: readonly string[], maximumItems: number) {
  const keyOf = (value: unknown) => keys.map((key) => (value as Record<string, unknown> | null)?.[key]);
  return z
    .array(item)
    .max(maximumItems)
    .refine((items) => !hasDuplicates(items.map(keyOf)), `must not hold two items of the same ${keys.join(' and ')}`)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** A list of single values without duplicates. */
export function setOf<S extends z.ZodType>(item: S, maximumItems: number) {
  return z
    .array(item)
    .max(maximumItems)
    .refine((items) => !hasDuplicates(items), 'must not hold a value twice')
    .meta({ 'x-kubernetes-list-type': 'set' });
}

/** A list that has one owner and is replaced as a whole. */
export function listOf<S extends z.ZodType>(item: S, maximumItems: number) {
  return z.array(item).max(maximumItems).meta({ 'x-kubernetes-list-type': 'atomic' });
}

export function mapOf<S extends z.ZodType>(value: S, maximumEntries: number) {
  return z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= maximumEntries, `must not hold more than ${maximumEntries} entries`)
    .meta({ maxProperties: maximumEntries });
}

function hasDuplicates(values: readonly unknown[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value))).size < values.length;
}
