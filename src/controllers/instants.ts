import type { InstantSeconds } from '../core/configuration.ts';

/** Instants as the API writes them: RFC 3339 in UTC, whole seconds. */
export function toInstant(seconds: InstantSeconds): string {
  return new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Undefined for a missing instant and for one that is no date. */
export function fromInstant(instant: string | undefined | null): InstantSeconds | undefined {
  if (instant === undefined || instant === null) return undefined;
  const milliseconds = Date.parse(instant);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
