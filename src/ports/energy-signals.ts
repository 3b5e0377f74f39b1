import type { EnergySourceSpec } from '../api/energy-source.ts';
import type { InstantSeconds } from '../core/configuration.ts';
import type { SignalSlot } from '../core/forecast/signal-slot.ts';

/** What is wrong with a provider; the words are reasons of the EnergySource's condition ProviderAvailable. */
export type SignalProblem =
  | 'Misconfigured'
  | 'NotFound'
  | 'CredentialsMissing'
  | 'Unauthorized'
  | 'Throttled'
  | 'Unreachable'
  | 'Refused'
  | 'Garbled'
  | 'Empty';

export class SignalError extends Error {
  override readonly name = 'SignalError';
  readonly problem: SignalProblem;
  /** When the provider says that it may be asked again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: SignalProblem, message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(message, options);
    this.problem = problem;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

export interface SignalQuestion {
  /** Of the EnergySource: what is remembered between two readings, such as a session, is remembered by it. */
  readonly name: string;
  readonly spec: EnergySourceSpec;
  /** Of its Secret. Never part of a message. */
  readonly credentials: Readonly<Record<string, string>> | undefined;
  readonly now: InstantSeconds;
  /** From when the past is wanted, as far as the provider tells it. */
  readonly since: InstantSeconds;
  readonly signal: AbortSignal;
}

/** Where prices and carbon of electricity are read. */
export interface EnergySignals {
  /**
   * What the provider says of the time since `since`, measured and published, in any order: a price in its currency per
   * kWh, grams of CO2e per kWh, or a share between 0 and 1. A number of requests that depends on the provider alone.
   * Throws SignalError; never resolves to no slots.
   */
  read(question: SignalQuestion): Promise<readonly SignalSlot[]>;
}
