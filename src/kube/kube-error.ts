// Everything that can go wrong on the way to the API server and back, as one error type with questions to ask it.

/** The part of a metav1.Status that says why. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly retryAfterSeconds?: number;
  readonly causes?: ReadonlyArray<{ readonly reason?: string; readonly message?: string; readonly field?: string }>;
}

/** Reasons of ours, beside those of the API server, for calls that never got a readable answer. */
type LocalReason = 'Timeout' | 'Aborted' | 'ConnectionFailed' | 'UnreadableResponse';

export interface KubeErrorFields {
  /** HTTP status; absent when there was no answer. */
  readonly status?: number | undefined;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly details?: StatusDetails | undefined;
  readonly cause?: unknown;
}

export class KubeError extends Error {
  readonly status: number | undefined;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;
  readonly details: StatusDetails | undefined;

  constructor(fields: KubeErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.name = 'KubeError';
    this.status = fields.status;
    this.reason = fields.reason;
    this.retryAfterSeconds = fields.retryAfterSeconds;
    this.details = fields.details;
  }
}

interface WireStatus {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: StatusDetails;
}

/** Reads an error response: a Status object, or whatever a proxy in between wrote. */
export function errorFromResponse(what: string, response: { status: number; retryAfter?: string; body: string }) {
  const status = parseStatus(response.body);
  const retryAfterSeconds = readRetryAfter(response.retryAfter) ?? status?.details?.retryAfterSeconds;
  return new KubeError({
    status: response.status,
    reason: status?.reason || `Http${response.status}`,
    message: `${what}: ${status?.message || response.body.slice(0, 200).trim() || 'no message'} (HTTP ${response.status})`,
    retryAfterSeconds,
    details: status?.details,
  });
}

/** Reads the object of a watch event of type ERROR. */
export function errorFromStatus(what: string, object: unknown): KubeError {
  const status = (typeof object === 'object' && object !== null ? object : {}) as WireStatus;
  return new KubeError({
    status: status.code,
    reason: status.reason || 'Unknown',
    message: `${what}: ${status.message || 'the server ended the watch with an error'}`,
    retryAfterSeconds: status.details?.retryAfterSeconds,
    details: status.details,
  });
}

function parseStatus(body: string): WireStatus | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const isStatus = typeof parsed === 'object' && parsed !== null && (parsed as WireStatus).kind === 'Status';
    return isStatus ? (parsed as WireStatus) : undefined;
  } catch {
    return undefined;
  }
}

function readRetryAfter(header: string | undefined): number | undefined {
  // The API server sends whole seconds; a date, which proxies may send, falls back to our own backoff.
  return header !== undefined && /^\d+$/.test(header.trim()) ? Number(header) : undefined;
}

const TRANSIENT_STATUSES = new Set([429, 500, 502, 503, 504]);
const TRANSIENT_REASONS = new Set<string>([
  'Timeout',
  'ConnectionFailed',
  'UnreadableResponse',
] satisfies LocalReason[]);

export const isKubeError = (error: unknown): error is KubeError => error instanceof KubeError;

const hasStatus = (error: unknown, status: number) => isKubeError(error) && error.status === status;
const hasReason = (error: unknown, reason: string) => isKubeError(error) && error.reason === reason;
const hasCause = (error: unknown, reason: string) =>
  isKubeError(error) && (error.details?.causes ?? []).some((cause) => cause.reason === reason);

export const isNotFound = (error: unknown) => hasStatus(error, 404);
/** The object changed since it was read (optimistic lock), or another manager owns the field. */
export const isConflict = (error: unknown) => hasStatus(error, 409) && !hasReason(error, 'AlreadyExists');
export const isAlreadyExists = (error: unknown) => hasReason(error, 'AlreadyExists');
/** The resource version or continue token is too old to go on from: list again. */
export const isGone = (error: unknown) => hasStatus(error, 410) || hasReason(error, 'Expired');
/** The resource version is newer than what this server has seen, e.g. after a restore from backup. */
export const isResourceVersionTooLarge = (error: unknown) => hasCause(error, 'ResourceVersionTooLarge');
export const isInvalid = (error: unknown) => hasStatus(error, 422) || hasStatus(error, 400);
export const isBlockedByDisruptionBudget = (error: unknown) =>
  hasStatus(error, 429) && hasCause(error, 'DisruptionBudget');
export const isForbidden = (error: unknown) => hasStatus(error, 403);
/** The caller's own AbortSignal ended the call. */
export const isAborted = (error: unknown) => hasReason(error, 'Aborted');
/** Worth trying again unchanged. */
export const isTransient = (error: unknown) =>
  isKubeError(error) &&
  (error.status === undefined ? TRANSIENT_REASONS.has(error.reason) : TRANSIENT_STATUSES.has(error.status));
