// metav1.Condition, kept the way kubectl and other tools expect.

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** PascalCase, for machines. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** RFC 3339, whole seconds; changes with `status` only. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number | undefined;
}

export type ConditionChange = Omit<Condition, 'lastTransitionTime'>;

/**
 * The conditions with these changes, sorted by type. Returns the very same array when nothing changed, so that
 * a status write can be left out. `nowMs` is milliseconds since the epoch.
 */
export function setConditions<C extends Condition>(
  conditions: readonly C[] | undefined,
  changes: readonly ConditionChange[],
  nowMs: number,
): readonly (C | Condition)[] {
  const before = conditions ?? [];
  const byType = new Map<string, C | Condition>(before.map((condition) => [condition.type, condition]));
  let changed = conditions === undefined && changes.length > 0;
  for (const change of changes) {
    const old = byType.get(change.type);
    if (old !== undefined && isSame(old, change)) continue;
    changed = true;
    const lastTransitionTime = old?.status === change.status ? old.lastTransitionTime : wholeSeconds(nowMs);
    byType.set(change.type, { ...change, lastTransitionTime });
  }
  if (!changed) return before;
  return [...byType.values()].sort((one, other) => (one.type < other.type ? -1 : 1));
}

export function findCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

function isSame(old: Condition, change: ConditionChange): boolean {
  return (
    old.status === change.status &&
    old.reason === change.reason &&
    old.message === change.message &&
    old.observedGeneration === change.observedGeneration
  );
}

/** metav1.Time has whole seconds. */
function wholeSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
