import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import type { SignalQuestion } from '../../ports/energy-signals.ts';
import { SignalError } from '../../ports/energy-signals.ts';
import type { Service } from './service.ts';

/** One question to one provider, and what it takes to answer it. */
export interface Reading extends SignalQuestion {
  /** The provider's service, at the address that it publishes unless the administrator names another. */
  readonly serviceAt: (publishedUrl?: string) => Service;
  /** Text of a key of a ConfigMap, decoded where it is binary. */
  readonly configMapText: (at: { namespace: string; name: string; key: string }) => Promise<string>;
  /** Sessions that outlive a reading. */
  readonly sessions: Map<string, string>;
}

export type ReadProvider = (reading: Reading) => Promise<readonly SignalSlot[]>;

/** A key of the Secret. */
export function credential({ credentials, spec }: Pick<Reading, 'credentials' | 'spec'>, key: string): string {
  const value = credentials?.[key]?.trim();
  if (value !== undefined && value !== '') return value;
  const secret = spec.credentials?.secretName;
  const message =
    secret === undefined
      ? `${spec.provider.type} needs spec.credentials with a Secret that holds ${key}`
      : `Secret ${secret} of the operator's namespace does not hold ${key}`;
  throw new SignalError('CredentialsMissing', message);
}

/** The part of the provider that its type asks for; the API server sees to it that it is there. */
export function partOf<P extends keyof Reading['spec']['provider']>(
  { spec }: Pick<Reading, 'spec'>,
  part: P,
): NonNullable<Reading['spec']['provider'][P]> {
  const value = spec.provider[part];
  if (value === undefined || value === null) {
    throw new SignalError('Misconfigured', `spec.provider.${part} is missing; set it with type ${spec.provider.type}`);
  }
  return value;
}

/** A price must be in the currency that the source says, as rents are compared with it. */
export function checkCurrency({ spec }: Pick<Reading, 'spec'>, told: string, who: string): void {
  if (spec.currency === told) return;
  throw new SignalError(
    'Misconfigured',
    `${who} tells prices in ${told}, spec.currency is ${spec.currency}: set ${told}`,
  );
}
