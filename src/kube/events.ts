// Events for people (events.k8s.io/v1): never in the way of the caller, never a flood.
import { type Clock, systemClock } from './clock.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-error.ts';
import { type KubeLog, type KubeMetrics, noLog, noMetrics } from './kube-metrics.ts';
import { microTime } from './micro-time.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { KubeObject, Resource } from './resource.ts';

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface KubeEvent extends KubeObject {
  eventTime: string;
  series?: { count: number; lastObservedTime: string };
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: ObjectReference;
  note: string;
  type: 'Normal' | 'Warning';
}

export const EVENTS: Resource<KubeEvent> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

export interface EventToRecord {
  readonly regarding: KubeObject | ObjectReference;
  readonly type?: 'Normal' | 'Warning';
  /** PascalCase, for machines: why. */
  readonly reason: string;
  /** What was done or not done, PascalCase; default: the reason. */
  readonly action?: string;
  /** For people; cut at 1024 bytes. */
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Qualified name of this controller, e.g. `example.dev/operator`. */
  readonly reportingController: string;
  /** This process, e.g. the pod's name. */
  readonly reportingInstance: string;
  readonly clock?: Clock;
  readonly metrics?: KubeMetrics;
  readonly log?: KubeLog;
}

interface Series {
  readonly event: KubeEvent;
  count: number;
  lastSeenAt: number;
  /** Count the server has been told. */
  reported: number;
}

/** A repetition later than this starts a new event. */
const SERIES_SECONDS = 360;
/** Repetitions are told to the server at most this often. */
const REPORT_SECONDS = 30;
const MAX_SERIES = 2000;
const MAX_WAITING = 500;
const MAX_NOTE_BYTES = 1024;
/** Per object and reason, over all messages: ten at once, then one every five minutes. */
const SPAM_LIMIT = { perSecond: 1 / 300, burst: 10 };

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #metrics: KubeMetrics;
  readonly #log: KubeLog;
  /** In order of last use, so that the oldest is dropped first. */
  readonly #series = new Map<string, Series>();
  readonly #limiters = new Map<string, RateLimiter>();
  readonly #waiting = new Map<string, Series>();
  #sending: Promise<void> | undefined;
  #made = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics ?? noMetrics;
    this.#log = options.log ?? noLog;
  }

  /** Never throws, never waits. The same event again within six minutes is counted on the first one. */
  record(toRecord: EventToRecord): void {
    try {
      this.#record(toRecord);
    } catch (error) {
      this.#log.error('event not recorded', { reason: toRecord.reason, error });
      this.#metrics.eventRecorded({ reason: toRecord.reason, outcome: 'failed' });
    }
  }

  /** Waits until what was recorded so far has been sent or given up, at most until `signal` aborts. */
  async flush(signal?: AbortSignal): Promise<void> {
    for (const [key, series] of this.#series) if (series.count > series.reported) this.#waiting.set(key, series);
    this.#startSending();
    await Promise.race([this.#sending, signal === undefined ? undefined : whenAborted(signal)].filter(Boolean));
  }

  #record(toRecord: EventToRecord): void {
    const now = this.#clock.monotonicSeconds();
    const event = this.#build(toRecord);
    const key = JSON.stringify([refKey(event.regarding), event.type, event.reason, event.action, event.note]);
    const known = this.#series.get(key);
    if (known !== undefined && now - known.lastSeenAt < SERIES_SECONDS) {
      this.#repeat(key, known, now);
      return;
    }
    if (!this.#isAllowed(`${refKey(event.regarding)} ${event.reason}`) || this.#waiting.size >= MAX_WAITING) {
      this.#metrics.eventRecorded({ reason: event.reason, outcome: 'dropped' });
      return;
    }
    const series = { event, count: 1, lastSeenAt: now, reported: 0 };
    this.#series.delete(key);
    this.#series.set(key, series);
    dropOldest(this.#series, MAX_SERIES);
    this.#waiting.set(key, series);
    this.#startSending();
  }

  #repeat(key: string, series: Series, now: number): void {
    const sinceSeen = now - series.lastSeenAt;
    series.count += 1;
    series.lastSeenAt = now;
    this.#series.delete(key);
    this.#series.set(key, series);
    this.#metrics.eventRecorded({ reason: series.event.reason, outcome: 'repeated' });
    // Told at powers of two and after a pause: a stuck loop costs a few writes, and the count stays roughly right.
    const isPowerOfTwo = (series.count & (series.count - 1)) === 0;
    if (!isPowerOfTwo && sinceSeen < REPORT_SECONDS) return;
    if (this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(key, series);
    this.#startSending();
  }

  #isAllowed(key: string): boolean {
    const limiter = this.#limiters.get(key) ?? new RateLimiter(SPAM_LIMIT, this.#clock);
    this.#limiters.delete(key);
    this.#limiters.set(key, limiter);
    dropOldest(this.#limiters, MAX_SERIES);
    if (limiter.reserve() === 0) return true;
    limiter.release();
    return false;
  }

  #startSending(): void {
    this.#sending ??= this.#sendWaiting().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.size > 0) this.#startSending();
    });
  }

  async #sendWaiting(): Promise<void> {
    for (const [key, series] of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#send(series);
      } catch (error) {
        // Told again with the next repetition; an event is not worth more.
        this.#log.warn('event not sent', { reason: series.event.reason, error });
        this.#metrics.eventRecorded({ reason: series.event.reason, outcome: 'failed' });
      }
    }
  }

  async #send(series: Series): Promise<void> {
    const { event, count } = series;
    const at = { name: event.metadata.name, namespace: event.metadata.namespace };
    const told = count > 1 ? { series: { count, lastObservedTime: microTime(this.#clock.now()) } } : {};
    const create = () => this.#options.client.create(EVENTS, { ...event, ...told });
    if (series.reported === 0) {
      await create();
      this.#metrics.eventRecorded({ reason: event.reason, outcome: 'created' });
    } else {
      try {
        await this.#options.client.mergePatch(EVENTS, at, told);
      } catch (error) {
        // The server forgets events after an hour.
        if (!isNotFound(error)) throw error;
        await create();
      }
    }
    series.reported = count;
  }

  #build({ regarding, type = 'Normal', reason, action = reason, message }: EventToRecord): KubeEvent {
    const reference = referenceTo(regarding);
    this.#made += 1;
    // Unique as in client-go: the object's name and a stamp, here with a counter against equal milliseconds.
    const stamp = `${this.#clock.now().toString(16)}${(this.#made % 0x10000).toString(16).padStart(4, '0')}`;
    const { reportingController, reportingInstance } = this.#options;
    return {
      metadata: { name: `${reference.name.slice(0, 220)}.${stamp}`, namespace: reference.namespace ?? 'default' },
      eventTime: microTime(this.#clock.now()),
      reportingController,
      reportingInstance: reportingInstance.slice(0, 128),
      action: action.slice(0, 128),
      reason: reason.slice(0, 128),
      regarding: reference,
      note: cutBytes(message, MAX_NOTE_BYTES),
      type,
    };
  }
}

/** @throws Error when the object carries no apiVersion or kind */
export function referenceTo(regarding: KubeObject | ObjectReference): ObjectReference {
  if (!('metadata' in regarding)) return regarding;
  const { apiVersion, kind, metadata } = regarding;
  if (!apiVersion || !kind) throw new Error(`${metadata.name} has no apiVersion and kind to refer to it by`);
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, namespace, uid, resourceVersion };
}

const refKey = (reference: ObjectReference) =>
  `${reference.kind}/${reference.namespace ?? ''}/${reference.name}/${reference.uid ?? ''}`;

function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  // The ellipsis takes three bytes; a character cut in half becomes U+FFFD at the end and goes too.
  const cut = Buffer.from(text)
    .subarray(0, maxBytes - 3)
    .toString('utf8')
    .replace(/�+$/, '');
  return `${cut}…`;
}

function dropOldest(map: Map<string, unknown>, maxSize: number): void {
  for (const key of map.keys()) {
    if (map.size <= maxSize) return;
    map.delete(key);
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
