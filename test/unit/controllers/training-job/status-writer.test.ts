import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { StatusWriter } from '../../../../src/controllers/training-job/status-writer.ts';

const condition = (message: string, reason = 'Training') => ({
  conditions: [
    { type: 'Running', status: 'True' as const, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' },
  ],
});
const figures = (steps: number): TrainingJobStatus => ({ replicas: 2, progress: { stepsCompleted: steps } });

describe('a status', () => {
  let seconds: number;
  let writer: StatusWriter;
  beforeEach(() => {
    seconds = 100;
    writer = new StatusWriter(() => seconds);
    writer.written('job');
  });
  const isDue = (before: TrainingJobStatus | undefined, after: TrainingJobStatus, urgent = false) =>
    writer.isDue('job', before, after, urgent);

  it('that is the same is never written', () => expect(isDue(figures(1), figures(1), true)).to.equal(false));
  it('that differs by an undefined field is the same', () =>
    expect(isDue({ replicas: 2 }, { replicas: 2, state: undefined } as TrainingJobStatus)).to.equal(false));
  it('with another size is written at once', () => expect(isDue({ replicas: 1 }, { replicas: 2 })).to.equal(true));
  it('with another reason is written at once', () =>
    expect(isDue(condition('m'), condition('m', 'Starting'))).to.equal(true));
  it('with other figures or words waits for ten seconds', () => {
    expect(isDue(figures(1), figures(2))).to.equal(false);
    expect(isDue(condition('10 of 20'), condition('11 of 20'))).to.equal(false);
    seconds += 10;
    expect(isDue(figures(1), figures(2))).to.equal(true);
  });
  it('with other figures is written at once before an act', () =>
    expect(isDue(figures(1), figures(2), true)).to.equal(true));
  it('of a job that this process has not written yet is written at once', () =>
    expect(writer.isDue('other', figures(1), figures(2), false)).to.equal(true));
});
