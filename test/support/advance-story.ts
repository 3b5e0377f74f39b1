import { expect } from 'chai';
import type { TrainingJobStatus } from '../../src/api/training-job.ts';
import { advance } from '../../src/controllers/training-job/advance.ts';
import type { Draft, Move } from '../../src/controllers/training-job/draft.ts';
import { aConfiguration } from './a-job.ts';
import { aDecision, ago, aJobView, type ViewParts } from './a-job-view.ts';

export interface Story {
  readonly given: ViewParts;
  /** Moves in short: `tuning 4: 64×2×2`, `size 4`, `suspend`, `create 2`. */
  readonly moves?: readonly string[];
  /** Conditions as `Type=Status/Reason`. */
  readonly says?: readonly string[];
  readonly events?: readonly string[];
  readonly phase?: string | undefined;
  readonly status?: (status: TrainingJobStatus) => void;
}

function tell(draft: Draft): { moves: string[]; conditions: string[]; events: string[] } {
  return {
    moves: draft.moves.map(describeMove),
    conditions: (draft.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`),
    events: draft.events.map(({ reason }) => reason),
  };
}

function describeMove(move: Move): string {
  if (move.type === 'CreateWorkload') return `create ${move.replicas}`;
  if (move.type === 'SizeWorkload') return move.suspend ? 'suspend' : `size ${move.replicas}`;
  const { version, microBatchSize, gradientAccumulationSteps, dataParallelSize } = move.tuning;
  return `tuning ${version}: ${microBatchSize}×${gradientAccumulationSteps}×${dataParallelSize}`;
}

export function runs(stories: Readonly<Record<string, Story>>): void {
  for (const [name, story] of Object.entries(stories)) {
    it(name, () => {
      const draft = advance(aJobView(story.given));
      const told = tell(draft);
      expect(told.moves, 'moves').to.deep.equal(story.moves ?? []);
      expect(told.conditions, 'conditions').to.include.members([...(story.says ?? [])]);
      if (story.events !== undefined) expect(told.events, 'events').to.deep.equal(story.events);
      if ('phase' in story) expect(draft.status.resize?.phase, 'phase').to.equal(story.phase);
      story.status?.(draft.status);
    });
  }
}

export const tuned = { globalBatchSize: 256, microBatchSize: 128, gradientAccumulationSteps: 1, dataParallelSize: 2 };
export const lastGood = { version: 2, ...tuned, microBatchSize: 64, globalBatchSize: 128, learningRateScale: '1' };
export const batch = { ...tuned, learningRateScale: '1', version: 3, lastGood };
export const inFlight = (ackedIn: number) => ({ version: 3, sentAt: ago(60 - ackedIn), ackDeadline: ago(-ackedIn) });
export const notStarted = {
  view: { workerJob: undefined },
  tuning: undefined,
  workers: 0,
  reading: undefined,
} as const;
export const reload = (microBatchSize: number) =>
  aDecision({
    action: 'Reload',
    target: aConfiguration({ pool: 't4', replicas: 2, microBatchSize, gradientAccumulationSteps: 1 }),
  });
export const resizeTo = (replicas: number) =>
  aDecision({
    action: 'Resize',
    target: aConfiguration({ pool: 't4', replicas, microBatchSize: 128, gradientAccumulationSteps: 1 }),
  });
