// What this folder tells about itself. prom-client lives in src/telemetry, which implements this.

export interface KubeMetrics {
  /** One per attempt; `status` is the HTTP status, or a local reason such as `Timeout`. */
  requestFinished(seen: { verb: string; resource: string; status: string; seconds: number }): void;
  /** Time a request waited for the client-side rate limit. */
  requestThrottled(seen: { seconds: number }): void;
  /** A list or watch ended and starts again; `cause` is a KubeError reason, `Closed` or `Silent`. */
  watchRestarted(seen: { resource: string; cause: string; delaySeconds: number }): void;
  watchEvent(seen: { resource: string; type: string }): void;
  relisted(seen: { resource: string; objects: number; seconds: number }): void;
  /** An onChange listener threw; it was contained. */
  listenerFailed(seen: { resource: string }): void;
  /** Keys ready to be worked on, not counting delayed ones nor those in work. */
  queueDepth(seen: { queue: string; depth: number }): void;
  queueAdded(seen: { queue: string }): void;
  /** A key was added with backoff after a failure. */
  queueRetried(seen: { queue: string }): void;
  /** From ready to taken. */
  queueLatency(seen: { queue: string; seconds: number }): void;
  /** From taken to done. */
  workDuration(seen: { queue: string; seconds: number }): void;
  reconciled(seen: { controller: string; result: ReconcileOutcome; seconds: number }): void;
  leadershipChanged(seen: { lease: string; leading: boolean }): void;
  eventRecorded(seen: { reason: string; outcome: 'created' | 'repeated' | 'dropped' | 'failed' }): void;
}

/** `panic` is a failure that looks like a bug (TypeError and its kin); it is retried like `error`. */
export type ReconcileOutcome = 'success' | 'requeueAfter' | 'conflict' | 'error' | 'panic' | 'terminal' | 'aborted';

const nothing = () => undefined;

export const noMetrics: KubeMetrics = {
  requestFinished: nothing,
  requestThrottled: nothing,
  watchRestarted: nothing,
  watchEvent: nothing,
  relisted: nothing,
  listenerFailed: nothing,
  queueDepth: nothing,
  queueAdded: nothing,
  queueRetried: nothing,
  queueLatency: nothing,
  workDuration: nothing,
  reconciled: nothing,
  leadershipChanged: nothing,
  eventRecorded: nothing,
};

/** The few calls made on a logger; a winston logger fits. */
export interface KubeLog {
  info(message: string, fields?: object): unknown;
  warn(message: string, fields?: object): unknown;
  error(message: string, fields?: object): unknown;
}

export const noLog: KubeLog = { info: nothing, warn: nothing, error: nothing };
