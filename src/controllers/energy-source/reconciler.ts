import { isDeepStrictEqual } from 'node:util';
import { ENERGY_SOURCE_LABEL } from '../../api/annotations.ts';
import { API_VERSION } from '../../api/group.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import { forecastSignal, type Known, whatIsKnown } from '../../core/forecast/forecast.ts';
import { hourOf, SECONDS_PER_HOUR } from '../../core/forecast/hours.ts';
import { plausible } from '../../core/forecast/plausible.ts';
import { foldReading, HISTORY_HOURS, type SignalRecord } from '../../core/forecast/record.ts';
import { expectedShiftingGain, promisedShiftingGain } from '../../core/forecast/shifting-gain.ts';
import type { ReconcileResult } from '../../kube/controller.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isForbidden } from '../../kube/kube-error.ts';
import { type EnergySignals, SignalError } from '../../ports/energy-signals.ts';
import type { ClusterView } from '../cluster-view.ts';
import { Freshest } from '../freshest.ts';
import { fromInstant } from '../instants.ts';
import { CONFIG_MAPS, ENERGY_SOURCES, type EnergySourceObject, SECRETS } from '../kinds.ts';
import { FIELD_MANAGER } from '../training-job/actuate.ts';
import { describeSource, type ReadingState } from './describe.ts';
import type { EnergyMemory, KnownSignal } from './energy-memory.ts';
import { decodeSeries, encodeSeries, identityOf } from './series-codec.ts';

export interface EnergySourceReconcilerOptions {
  readonly client: KubeClient;
  readonly cluster: ClusterView;
  readonly signals: EnergySignals;
  readonly memory: EnergyMemory;
  /** The operator's own: where Secrets are read and series are kept. */
  readonly namespace: string;
  readonly nowSeconds: () => number;
  readonly monotonicSeconds: () => number;
}

/** A provider that does not answer is asked again after this, then ever later, but as often as one that does at least. */
const FIRST_RETRY_SECONDS = 30;
/** A series is not stored more often than this: what is lost with the operator is asked for again. */
const STORE_SECONDS = 300;
const RESYNC_SECONDS = 300;

/** What is remembered of a source between reconciles. */
interface SourceState extends ReadingState {
  readonly identity: string;
  /** Of the spec that was last read by; a change of it is tried at once. */
  readonly generation: number | undefined;
  readonly record: SignalRecord;
  readonly storedAt: InstantSeconds;
  /** The hour and the record that the forecast was made of, so that it is made once. */
  readonly forecastOf: { readonly hour: number; readonly record: SignalRecord; readonly made: Made } | undefined;
}

type Made = Pick<KnownSignal, 'forecast' | 'expectedGain'>;

/** Reads each source as often as its spec says, whatever the number of jobs, and makes its forecast. */
export class EnergySourceReconciler {
  readonly #options: EnergySourceReconcilerOptions;
  readonly #sources: Freshest<EnergySourceObject>;
  readonly #states = new Map<string, SourceState>();

  constructor(options: EnergySourceReconcilerOptions) {
    this.#options = options;
    this.#sources = new Freshest(options.monotonicSeconds);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { cluster, memory, nowSeconds } = this.#options;
    const source = this.#sources.of(key, cluster.energySources.get(key));
    if (source === undefined || source.metadata.deletionTimestamp !== undefined) {
      this.#states.delete(key);
      memory.delete(key);
      return {};
    }

    // 1. What is known from before, at once: whoever plans must not wait for a provider that hangs.
    let state = await this.#remembered(source);
    if (this.#states.get(key) !== state) state = this.#tell(source, state, nowSeconds()).state;

    // 2. From the provider, when it is time.
    const isChanged = state.generation !== source.metadata.generation;
    if (isChanged || nowSeconds() >= state.nextReadAt) state = await this.#read(source, state, signal);

    // 3. What that makes of the hours to come.
    const now = nowSeconds();
    const told = this.#tell(source, state, now);

    // 4. Told, and kept for a restart.
    await this.#report(source, told.known, told.state, now);
    await this.#store(source, told.state, now);
    const nextHour = (hourOf(now) + 1) * SECONDS_PER_HOUR;
    return { requeueAfterSeconds: Math.max(1, Math.min(state.nextReadAt, nextHour, now + RESYNC_SECONDS) - now) };
  }

  /** Makes the forecast, and hands it to whoever plans. */
  #tell(source: EnergySourceObject, state: SourceState, now: InstantSeconds) {
    const { name } = source.metadata;
    const made = forecastOnce(state, source, now);
    const next: SourceState = { ...state, forecastOf: { hour: hourOf(now), record: state.record, made } };
    const known: KnownSignal = { spec: source.spec, record: state.record, ...made };
    this.#states.set(name, next);
    this.#options.memory.set(name, known);
    return { state: next, known };
  }

  /** The state of this life of the operator, else the series that an earlier one stored. */
  async #remembered(source: EnergySourceObject): Promise<SourceState> {
    const { name } = source.metadata;
    const identity = identityOf(source.spec);
    const before = this.#states.get(name);
    if (before?.identity === identity) return before;
    const at = { namespace: this.#options.namespace, name: seriesName(name) };
    const stored = await this.#options.client.get(CONFIG_MAPS, at);
    const record = decodeSeries(stored?.data?.['series'], source.spec);
    return {
      identity,
      generation: undefined,
      record,
      readAt: record.slots.length === 0 ? undefined : fromInstant(source.status?.lastReadTime),
      nextReadAt: Number.NEGATIVE_INFINITY,
      failures: 0,
      problem: undefined,
      implausible: 0,
      storedAt: Number.NEGATIVE_INFINITY,
      forecastOf: undefined,
    };
  }

  async #read(source: EnergySourceObject, state: SourceState, signal: AbortSignal): Promise<SourceState> {
    const { signals, nowSeconds } = this.#options;
    const { spec, metadata } = source;
    const now = nowSeconds();
    try {
      const credentials = await this.#credentials(source);
      const since = readFrom(state.record, now);
      const told = await signals.read({ name: metadata.name, spec, credentials, now, since, signal });
      const usable = plausible(told, spec.signal, state.record.slots);
      if (usable.length === 0) {
        return failed(state, source, now, 'Implausible', `none of the ${told.length} values told can be`, undefined);
      }
      return {
        ...state,
        generation: metadata.generation,
        record: foldReading(state.record, usable, now),
        readAt: now,
        nextReadAt: now + spec.refreshSeconds,
        failures: 0,
        problem: undefined,
        implausible: told.length - usable.length,
      };
    } catch (error) {
      if (!(error instanceof SignalError)) throw error;
      return failed(state, source, now, error.problem, error.message, error.retryAfterSeconds);
    }
  }

  async #credentials({ spec }: EnergySourceObject): Promise<Readonly<Record<string, string>> | undefined> {
    if (spec.credentials === undefined) return undefined;
    const { client, namespace } = this.#options;
    const { secretName: name } = spec.credentials;
    const secret = await client.get(SECRETS, { namespace, name }).catch((error) => {
      if (!isForbidden(error)) throw error;
      const message = `not allowed to read Secret ${namespace}/${name}: grant it to the operator`;
      throw new SignalError('CredentialsMissing', message, { cause: error });
    });
    if (secret === undefined) throw new SignalError('CredentialsMissing', `Secret ${namespace}/${name} does not exist`);
    const decoded = Object.entries(secret.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]);
    return Object.fromEntries(decoded);
  }

  async #store(source: EnergySourceObject, state: SourceState, now: InstantSeconds): Promise<void> {
    const { client, namespace } = this.#options;
    const { name, uid } = source.metadata;
    if (state.readAt === undefined || state.problem !== undefined || now - state.storedAt < STORE_SECONDS) return;
    const owner = { apiVersion: API_VERSION, kind: ENERGY_SOURCES.kind, name, uid: uid ?? '' };
    await client.apply(
      CONFIG_MAPS,
      {
        apiVersion: CONFIG_MAPS.apiVersion,
        kind: CONFIG_MAPS.kind,
        metadata: {
          name: seriesName(name),
          namespace,
          labels: { [ENERGY_SOURCE_LABEL]: name },
          ownerReferences: [owner],
        },
        data: { series: encodeSeries(state.record, source.spec, now) },
      },
      { fieldManager: FIELD_MANAGER },
    );
    this.#states.set(name, { ...state, storedAt: now });
  }

  async #report(
    source: EnergySourceObject,
    known: KnownSignal,
    state: ReadingState,
    now: InstantSeconds,
  ): Promise<void> {
    const status = describeSource(source, known, state, now);
    if (isDeepStrictEqual(source.status, status)) return;
    const { apiVersion, kind, metadata } = source;
    const applied = { apiVersion, kind, metadata: { name: metadata.name }, status };
    this.#sources.remember(
      await this.#options.client.applyStatus(ENERGY_SOURCES, applied, { fieldManager: FIELD_MANAGER }),
    );
  }
}

const seriesName = (source: string) => `energy-source-${source}`;

/** All that makes a forecast at first, later what may have been corrected since. */
function readFrom({ slots, knownUntil }: SignalRecord, now: InstantSeconds): InstantSeconds {
  const oldest = now - HISTORY_HOURS * SECONDS_PER_HOUR;
  const [first] = slots;
  if (first === undefined || knownUntil === undefined) return oldest;
  const corrected = Math.min(now, knownUntil) - CORRECTED_SECONDS;
  return Math.max(oldest, corrected);
}

/** Providers correct what they measured for about a day. */
const CORRECTED_SECONDS = 86_400;

function failed(
  state: SourceState,
  { spec, metadata }: EnergySourceObject,
  now: InstantSeconds,
  reason: NonNullable<ReadingState['problem']>['reason'],
  message: string,
  retryAfterSeconds: number | undefined,
): SourceState {
  const backoff = FIRST_RETRY_SECONDS * 2 ** Math.min(20, state.failures);
  const wait = retryAfterSeconds ?? Math.min(spec.refreshSeconds, backoff);
  const { generation } = metadata;
  return { ...state, generation, nextReadAt: now + wait, failures: state.failures + 1, problem: { reason, message } };
}

function forecastOnce({ forecastOf, record }: SourceState, { spec }: EnergySourceObject, now: InstantSeconds): Made {
  if (forecastOf?.record === record && forecastOf.hour === hourOf(now)) return forecastOf.made;
  const known: Known = whatIsKnown(record, now);
  return {
    forecast: forecastSignal(record, now, known),
    expectedGain: expectedShiftingGain(known, spec.signal, now) ?? promisedShiftingGain(record, spec.signal, now),
  };
}
