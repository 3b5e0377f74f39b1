import { toDecimal } from '../../api/decimal.ts';
import type { EnergySourceConditionType, EnergySourceReason } from '../../api/energy-conditions.ts';
import type { EnergySource, EnergySourceStatus } from '../../api/energy-source.ts';
import type { Condition } from '../../api/status-parts.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import { percent } from '../../core/explain/figures.ts';
import { slotAt } from '../../core/forecast/signal-slot.ts';
import { setConditions } from '../../kube/conditions.ts';
import type { SignalProblem } from '../../ports/energy-signals.ts';
import { toInstant } from '../instants.ts';
import { isStale, type KnownSignal, shiftingPays } from './energy-memory.ts';

const MESSAGE_LENGTH_MAX = 1024;

/** How the readings of a source have gone. */
export interface ReadingState {
  readonly readAt: InstantSeconds | undefined;
  readonly nextReadAt: InstantSeconds;
  /** In a row. */
  readonly failures: number;
  readonly problem: { readonly reason: SignalProblem | 'Implausible'; readonly message: string } | undefined;
  /** Values of the last reading that cannot be. */
  readonly implausible: number;
}

/** What users and programs are told of a source. */
export function describeSource(
  source: EnergySource,
  known: KnownSignal,
  reading: ReadingState,
  now: InstantSeconds,
): EnergySourceStatus {
  const { record, forecast, expectedGain } = known;
  const current = slotAt(record.slots, now);
  const changes = [describeReady(known, now), describeProvider(source, reading), describeShifting(known)];
  const observedGeneration = source.metadata.generation ?? 0;
  const conditions = setConditions(
    source.status?.conditions,
    changes.map((change) => ({ ...change, observedGeneration })),
    now * 1000,
  );
  return {
    observedGeneration,
    unit: unitOf(source),
    nextReadTime: toInstant(reading.nextReadAt),
    forecast: {
      method: forecast.method,
      historyHours: forecast.historyHours,
      ...(forecast.relativeError === undefined ? {} : { errorPercent: wholePercent(forecast.relativeError) }),
    },
    ...(current === undefined
      ? {}
      : {
          current: { value: toDecimal(current.value), from: toInstant(current.from), to: toInstant(current.to) },
        }),
    ...(record.knownUntil === undefined ? {} : { knownUntil: toInstant(record.knownUntil) }),
    ...(reading.readAt === undefined ? {} : { lastReadTime: toInstant(reading.readAt) }),
    ...(reading.problem === undefined
      ? {}
      : {
          lastError: {
            reason: reading.problem.reason,
            message: reading.problem.message.slice(0, MESSAGE_LENGTH_MAX),
            failures: reading.failures,
          },
        }),
    ...(expectedGain === undefined ? {} : { expectedGainPercent: wholePercent(Math.max(0, expectedGain)) }),
    conditions: [...conditions],
  };
}

const wholePercent = (share: number) => Math.round(100 * share);

function unitOf({ spec }: EnergySource): string {
  if (spec.signal === 'Price') return `${spec.currency}/kWh`;
  return spec.signal === 'CarbonIntensity' ? 'gCO2e/kWh' : 'fraction';
}

interface Change<T extends EnergySourceConditionType> {
  readonly type: T;
  readonly status: Condition['status'];
  readonly reason: EnergySourceReason<T>;
  readonly message: string;
}

function describeReady(known: KnownSignal, now: InstantSeconds): Change<'Ready'> {
  const type = 'Ready';
  const { knownUntil } = known.record;
  if (knownUntil === undefined) {
    return {
      type,
      status: 'Unknown',
      reason: 'NotRead',
      message: 'the provider has not answered yet; hours count as alike',
    };
  }
  if (isStale(known, now)) {
    const message = `nothing is known after ${toInstant(knownUntil)}; hours count as alike until the provider answers`;
    return { type, status: 'False', reason: 'Stale', message };
  }
  const told = {
    Published: 'the hours to come are published',
    Blended: 'the hours to come are published, and corrected by how that went so far',
    LastDays: 'the hours to come are forecast from the same hours of the last days',
    None: 'nothing is known of the hours to come',
  }[known.forecast.method];
  return { type, status: 'True', reason: 'Ready', message: told };
}

function describeProvider(
  source: EnergySource,
  { problem, readAt, implausible }: ReadingState,
): Change<'ProviderAvailable'> {
  const type = 'ProviderAvailable';
  const { type: provider } = source.spec.provider;
  if (problem !== undefined) {
    return { type, status: 'False', reason: problem.reason, message: problem.message.slice(0, MESSAGE_LENGTH_MAX) };
  }
  if (readAt === undefined)
    return { type, status: 'Unknown', reason: 'Answers', message: `${provider} was not asked yet` };
  if (implausible > 0) {
    const message = `${provider} answers, but some of its values cannot be and were left out`;
    return { type, status: 'True', reason: 'PartlyImplausible', message };
  }
  return { type, status: 'True', reason: 'Answers', message: `${provider} answers` };
}

function describeShifting(known: KnownSignal): Change<'ShiftingPays'> {
  const type = 'ShiftingPays';
  const { expectedGain, spec } = known;
  if (expectedGain === undefined) {
    const message = 'too few days are known to tell what moving work brings; plans follow what is published';
    return { type, status: 'Unknown', reason: 'TooLittleHistory', message };
  }
  const gain = `working in the best third of a day is expected to bring ${percent(Math.max(0, expectedGain))}`;
  if (shiftingPays(known)) return { type, status: 'True', reason: 'Worthwhile', message: gain };
  const message = `${gain}, ${spec.minimumGainPercent} % are asked for: nothing is moved`;
  return { type, status: 'False', reason: 'BelowThreshold', message };
}
