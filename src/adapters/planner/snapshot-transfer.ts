import { type Evidence, NO_EVIDENCE } from '../../core/estimate/evidence.ts';
import type { JobSnapshot, Snapshot } from '../../core/snapshot.ts';

/**
 * How snapshots reach another thread. A copy has lost the identity by which the core knows evidence that it has judged
 * already, and most of the bytes are evidence. So only the parts of a job's evidence that changed since the last
 * snapshot travel, and what did not change is, over there, the very object of the time before.
 */
export interface SnapshotMessage extends Omit<Snapshot, 'jobs'> {
  readonly jobs: readonly JobMessage[];
}

interface JobMessage extends Omit<JobSnapshot, 'evidence'> {
  /** Parts to replace; undefined when the evidence is still the same. All of them for a job that is new. */
  readonly changes: Partial<Evidence> | undefined;
}

const PARTS = Object.keys(NO_EVIDENCE) as readonly (keyof Evidence)[];

/** The sending side; knows what the receiving side holds, as every message arrives, and in order. */
export class SnapshotSender {
  #sent: ReadonlyMap<string, Evidence> = new Map();

  /** Cost: jobs × parts of the evidence. */
  messageFor({ jobs: all, ...others }: Snapshot): SnapshotMessage {
    const jobs = all.map(({ evidence, ...rest }): JobMessage => {
      return { ...rest, changes: changesOf(this.#sent.get(rest.key), evidence) };
    });
    this.#sent = new Map(all.map(({ key, evidence }) => [key, evidence]));
    return { ...others, jobs };
  }
}

/** The receiving side; what a message does not name any more is forgotten. */
export class SnapshotReceiver {
  #held: ReadonlyMap<string, Evidence> = new Map();

  snapshotOf({ jobs, ...others }: SnapshotMessage): Snapshot {
    const received = jobs.map(({ changes, ...rest }): JobSnapshot => {
      const before = this.#held.get(rest.key) ?? NO_EVIDENCE;
      return { ...rest, evidence: changes === undefined ? before : { ...before, ...changes } };
    });
    this.#held = new Map(received.map(({ key, evidence }) => [key, evidence]));
    return { ...others, jobs: received };
  }
}

function changesOf(before: Evidence | undefined, after: Evidence): Partial<Evidence> | undefined {
  if (before === undefined) return after;
  const changed = PARTS.filter((part) => before[part] !== after[part]);
  return changed.length === 0 ? undefined : Object.fromEntries(changed.map((part) => [part, after[part]]));
}
