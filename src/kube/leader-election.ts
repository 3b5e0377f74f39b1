// One leader among several candidates, by a Lease. The clocks of candidates are never compared: a lease counts as
// expired when this process has not seen it change for its whole duration.
import { openAbortScope } from './abort-scope.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import type { KubeClient } from './kube-client.ts';
import { isAborted, isAlreadyExists, isConflict } from './kube-error.ts';
import { type KubeLog, type KubeMetrics, noLog, noMetrics } from './kube-metrics.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject, Resource } from './resource.ts';

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export const LEASES: Resource<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process, e.g. pod name and a random suffix. */
  readonly identity: string;
  /** Others take over when the lease did not change for this long; default 15. */
  readonly leaseSeconds?: number;
  /** The leader gives up when it could not renew for this long; default 10, must be less than leaseSeconds. */
  readonly renewDeadlineSeconds?: number;
  /** Pause between tries; default 2. */
  readonly retrySeconds?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: KubeMetrics;
  readonly log?: KubeLog;
}

interface Observed {
  readonly version: string | undefined;
  /** Monotonic seconds at which this process first saw this version. */
  readonly at: number;
}

export class LeaderElector {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: KubeMetrics;
  readonly #log: KubeLog;
  readonly #leaseSeconds: number;
  readonly #renewDeadlineSeconds: number;
  readonly #retrySeconds: number;
  #lease: Lease | undefined;
  #observed: Observed = { version: undefined, at: Number.NEGATIVE_INFINITY };
  /** Monotonic seconds until which this process may act as leader. */
  #leadsUntil = Number.NEGATIVE_INFINITY;

  /** @throws Error when the three times do not leave room for each other */
  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#metrics = options.metrics ?? noMetrics;
    this.#log = options.log ?? noLog;
    this.#leaseSeconds = options.leaseSeconds ?? 15;
    this.#renewDeadlineSeconds = options.renewDeadlineSeconds ?? 10;
    this.#retrySeconds = options.retrySeconds ?? 2;
    const [lease, deadline, retry] = [this.#leaseSeconds, this.#renewDeadlineSeconds, this.#retrySeconds];
    if (!(Number.isInteger(lease) && lease > deadline && deadline > retry * 1.2 && retry > 0)) {
      throw new Error(
        `leader election needs whole leaseSeconds > renewDeadlineSeconds > 1.2 × retrySeconds > 0, not ${lease}, ${deadline}, ${retry}`,
      );
    }
  }

  /**
   * Whether this process may act as leader at this very moment. Ask before a side effect: unlike a timer, this is
   * also right after the process was stopped for a while.
   */
  get isLeader(): boolean {
    return this.#clock.monotonicSeconds() < this.#leadsUntil;
  }

  /** Who holds the lease as far as this process has seen; undefined when nobody does. */
  get holder(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined;
  }

  /**
   * Waits for leadership, then runs `lead` and renews until it returns. `leading` aborts when leadership is lost, which
   * is at the latest renewDeadlineSeconds after the last renewal was sent, hence before others can take over.
   * On `stop`, `lead` is left to end by itself (it sees `stop` too) while the lease is kept, then the lease is released.
   * Returns `lost` only after `lead` returned, and the process should exit then: a `lead` that may hang needs a
   * deadline of its own from the abort of `leading`. Rejects with what `lead` throws.
   */
  async run(
    stop: AbortSignal,
    lead: (leading: AbortSignal) => Promise<void>,
  ): Promise<'stopped' | 'finished' | 'lost'> {
    if (!(await this.#acquire(stop))) return 'stopped';
    this.#tellLeading(true);
    const leading = openAbortScope();
    const ended = openAbortScope();
    const expiry = this.#expire(leading, ended.signal);
    const renewals = this.#renew(leading, ended.signal);
    try {
      await lead(leading.signal);
    } finally {
      ended.abort('lead returned');
      await Promise.all([expiry, renewals]);
      if (!leading.signal.aborted) await this.#release();
      this.#leadsUntil = Number.NEGATIVE_INFINITY;
      this.#tellLeading(false);
    }
    if (leading.signal.aborted) return 'lost';
    return stop.aborted ? 'stopped' : 'finished';
  }

  async #acquire(stop: AbortSignal): Promise<boolean> {
    while (!stop.aborted) {
      if (await this.#tryToHold(stop, this.#renewDeadlineSeconds)) return true;
      await this.#clock.sleep(this.#retrySeconds * (1 + 0.2 * this.#random()), stop);
    }
    return false;
  }

  async #renew(leading: ReturnType<typeof openAbortScope>, ended: AbortSignal): Promise<void> {
    const scope = openAbortScope(leading.signal, ended);
    while (!scope.signal.aborted) {
      await this.#clock.sleep(this.#retrySeconds, scope.signal);
      if (scope.signal.aborted) break;
      const left = this.#leadsUntil - this.#clock.monotonicSeconds();
      const held = left > 0 && (await this.#tryToHold(scope.signal, Math.min(left, this.#renewDeadlineSeconds / 2)));
      if (!held && this.holder !== undefined && this.holder !== this.#options.identity) {
        leading.abort(new Error(`leadership of ${this.#options.name} was taken by ${this.holder}`));
      }
    }
    scope.close();
  }

  /** Aborts `leading` on time, whatever the renewals are waiting for. */
  async #expire(leading: ReturnType<typeof openAbortScope>, ended: AbortSignal): Promise<void> {
    const scope = openAbortScope(leading.signal, ended);
    while (!scope.signal.aborted) {
      const left = this.#leadsUntil - this.#clock.monotonicSeconds();
      if (left <= 0) leading.abort(new Error(`lease ${this.#options.name} could not be renewed in time`));
      else await this.#clock.sleep(left, scope.signal);
    }
    scope.close();
  }

  /** One try to take or renew the lease. Never throws. */
  async #tryToHold(signal: AbortSignal, timeoutSeconds: number): Promise<boolean> {
    const call = { signal, timeoutSeconds, retry: 'never', unthrottled: true } as const;
    try {
      const { client, namespace, name } = this.#options;
      // Renewing needs no read: the version is known from the last write. After a failure it is read again.
      if (!this.isLeader || this.#lease === undefined) {
        this.#observe(await client.get(LEASES, { namespace, name }, call));
      }
      if (this.#isHeldByAnother()) return false;
      const sentAt = this.#clock.monotonicSeconds();
      const next = this.#nextLease();
      const written =
        this.#lease === undefined ? await client.create(LEASES, next, call) : await client.replace(LEASES, next, call);
      this.#observe(written);
      this.#leadsUntil = sentAt + this.#renewDeadlineSeconds;
      return true;
    } catch (error) {
      // Unknown whether the write arrived, or someone else wrote: read before the next try.
      if (this.isLeader) await this.#reread(signal, timeoutSeconds);
      const expected = isConflict(error) || isAlreadyExists(error) || isAborted(error);
      if (!expected) this.#log.warn('lease not written', { lease: this.#options.name, error });
      return false;
    }
  }

  async #reread(signal: AbortSignal, timeoutSeconds: number): Promise<void> {
    const { client, namespace, name } = this.#options;
    try {
      const call = { signal, timeoutSeconds, retry: 'never', unthrottled: true } as const;
      this.#observe(await client.get(LEASES, { namespace, name }, call));
    } catch {
      this.#lease = undefined;
    }
  }

  #observe(lease: Lease | undefined): void {
    this.#lease = lease;
    const version = lease?.metadata.resourceVersion;
    if (version !== this.#observed.version) this.#observed = { version, at: this.#clock.monotonicSeconds() };
  }

  #isHeldByAnother(): boolean {
    const holder = this.holder;
    if (holder === undefined || holder === this.#options.identity) return false;
    const duration = this.#lease?.spec?.leaseDurationSeconds ?? this.#leaseSeconds;
    return this.#clock.monotonicSeconds() < this.#observed.at + duration;
  }

  #nextLease(): Lease {
    const { namespace, name, identity } = this.#options;
    const old = this.#lease?.spec;
    const renewTime = microTime(this.#clock.now());
    const isMine = old?.holderIdentity === identity;
    return {
      ...this.#lease,
      metadata: this.#lease?.metadata ?? { namespace, name },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: this.#leaseSeconds,
        acquireTime: (isMine ? old.acquireTime : undefined) ?? renewTime,
        renewTime,
        leaseTransitions: (old?.leaseTransitions ?? 0) + (old === undefined || isMine ? 0 : 1),
      },
    };
  }

  /** Lets the next candidate in at once. Best effort: the lease expires anyway. */
  async #release(): Promise<void> {
    const lease = this.#lease;
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    const call = { timeoutSeconds: this.#retrySeconds, retry: 'never', unthrottled: true } as const;
    const renewTime = microTime(this.#clock.now());
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime, acquireTime: renewTime };
    try {
      await this.#options.client.replace(LEASES, { ...lease, spec }, call);
    } catch (error) {
      this.#log.warn('lease not released; it will expire', { lease: this.#options.name, error });
    }
  }

  #tellLeading(leading: boolean): void {
    this.#metrics.leadershipChanged({ lease: this.#options.name, leading });
    const { name, identity } = this.#options;
    this.#log.info(leading ? 'leading' : 'no longer leading', { lease: name, identity });
  }
}
