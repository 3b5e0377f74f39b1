import { type Evidence, NO_EVIDENCE } from '../../core/estimate/evidence.ts';

/** Raised whenever the shape of the evidence changes; what another version wrote is forgotten, not misread. */
const EVIDENCE_VERSION = 2;

/** Nine digits are more than any measurement here has, and keep the field small. What is no number is left out. */
function shorten(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : undefined;
}

export function encodeEvidence(evidence: Evidence): string {
  return JSON.stringify({ version: EVIDENCE_VERSION, evidence }, shorten);
}

/** Evidence as it was written; none when there is none, or it cannot be read. */
export function decodeEvidence(text: string | undefined): Evidence {
  if (text === undefined) return NO_EVIDENCE;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed) || parsed['version'] !== EVIDENCE_VERSION || !isRecord(parsed['evidence']))
      return NO_EVIDENCE;
    // The reading before a restart says nothing of the time in between, so windows begin anew.
    return { ...NO_EVIDENCE, ...(parsed['evidence'] as Partial<Evidence>), cleanReadings: 0 };
  } catch {
    return NO_EVIDENCE;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
