// One call to the API server: throttle, send, time out, read the error, try again where that is safe.
import type { IncomingMessage } from 'node:http';
import { openAbortScope } from './abort-scope.ts';
import { backoffSeconds } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import { errorFromResponse, isKubeError, isTransient, KubeError } from './kube-error.ts';
import type { KubeMetrics } from './kube-metrics.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { readText, type Transport } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Per attempt; the client's own when left out. */
  readonly timeoutSeconds?: number | undefined;
  /** `never`: one attempt. `safe` (default): idempotent calls again, others only when the server surely did nothing. */
  readonly retry?: 'safe' | 'never' | undefined;
  /** Skips the client-side rate limit; for leader election, which must not queue behind others. */
  readonly unthrottled?: boolean | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** In words, for error messages: `get Job default/x`. */
  readonly what: string;
  readonly verb: string;
  readonly resource: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly idempotent: boolean;
}

export interface CallerParts {
  readonly transport: Transport;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: KubeMetrics;
  readonly requestTimeoutSeconds: number;
}

const MAX_ATTEMPTS = 5;
const BACKOFF = { baseSeconds: 0.2, maxSeconds: 5 };
/** A server may ask for any wait; longer ones are left to the caller's own requeue. */
const MAX_RETRY_AFTER_SECONDS = 30;

/** @throws KubeError */
export async function callForJson<T>(parts: CallerParts, call: Call, options: CallOptions = {}): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptForJson<T>(parts, call, options);
    } catch (error) {
      const delay = retryDelaySeconds(error, { attempt, call, options, random: parts.random });
      if (delay === undefined) throw error;
      await parts.clock.sleep(delay, options.signal);
      if (options.signal?.aborted) throw error;
    }
  }
}

/** Opens a response that is read as it comes. The timeout covers the headers only. @throws KubeError */
export function callForStream(parts: CallerParts, call: Call, options: CallOptions & { signal: AbortSignal }) {
  return withDeadline(parts, call, options, (signal, disarm) =>
    openChecked(parts, call, signal).then((response) => {
      disarm();
      return response;
    }),
  );
}

function attemptForJson<T>(parts: CallerParts, call: Call, options: CallOptions): Promise<T> {
  return withDeadline(parts, call, options, async (signal) => {
    const text = await readText(await openChecked(parts, call, signal));
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      const message = `${call.what}: the answer is not JSON: ${text.slice(0, 80)}`;
      throw new KubeError({ reason: 'UnreadableResponse', message, cause });
    }
  });
}

async function openChecked(parts: CallerParts, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const response = await parts.transport.open({
    method: call.method,
    path: call.path + queryString(call.query),
    ...(body === undefined ? {} : { headers: { 'content-type': call.contentType ?? 'application/json' }, body }),
    signal,
  });
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const retryAfter = response.headers['retry-after'];
  throw errorFromResponse(call.what, {
    status,
    body: await readText(response),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** Runs one attempt with throttle, timeout and metrics, and turns whatever it throws into a KubeError. */
async function withDeadline<T>(
  parts: CallerParts,
  call: Call,
  options: CallOptions,
  attempt: (signal: AbortSignal, disarm: () => void) => Promise<T>,
): Promise<T> {
  if (!options.unthrottled) {
    parts.metrics.requestThrottled({ seconds: await parts.limiter.take(options.signal) });
  }
  const timeoutSeconds = options.timeoutSeconds ?? parts.requestTimeoutSeconds;
  const scope = openAbortScope(options.signal);
  const timedOut = new Error('timeout');
  const timer = setTimeout(() => scope.abort(timedOut), timeoutSeconds * 1000);
  const startedAt = parts.clock.monotonicSeconds();
  let status = 'ok';
  let isStream = false;
  try {
    return await attempt(scope.signal, () => {
      clearTimeout(timer);
      isStream = true;
    });
  } catch (cause) {
    const error = asKubeError(call, cause, { scope: scope.signal, timedOut, timeoutSeconds });
    status = String(error.status ?? error.reason);
    throw error;
  } finally {
    clearTimeout(timer);
    // A stream goes on under this signal: it must keep following the caller's.
    if (!isStream) scope.close();
    const seconds = parts.clock.monotonicSeconds() - startedAt;
    parts.metrics.requestFinished({ verb: call.verb, resource: call.resource, status, seconds });
  }
}

function asKubeError(
  call: Call,
  cause: unknown,
  seen: { scope: AbortSignal; timedOut: Error; timeoutSeconds: number },
): KubeError {
  if (seen.scope.aborted && seen.scope.reason === seen.timedOut) {
    return new KubeError({ reason: 'Timeout', message: `${call.what}: no answer in ${seen.timeoutSeconds} s`, cause });
  }
  if (seen.scope.aborted) return new KubeError({ reason: 'Aborted', message: `${call.what}: aborted`, cause });
  if (isKubeError(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KubeError({ reason: 'ConnectionFailed', message: `${call.what}: ${why}`, cause });
}

function retryDelaySeconds(
  error: unknown,
  { attempt, call, options, random }: { attempt: number; call: Call; options: CallOptions; random: Random },
): number | undefined {
  if (!isKubeError(error) || !isTransient(error)) return undefined;
  if (options.retry === 'never' || attempt >= MAX_ATTEMPTS) return undefined;
  if (!call.idempotent && !surelyNotDone(error)) return undefined;
  const asked = error.retryAfterSeconds;
  if (asked !== undefined && asked > MAX_RETRY_AFTER_SECONDS) return undefined;
  return Math.max(asked ?? 0, backoffSeconds(attempt, BACKOFF, random));
}

/** The server refused before doing anything, or was never reached. */
function surelyNotDone(error: KubeError): boolean {
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  return error.status === 429 || code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}

function queryString(query: Call['query'] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
