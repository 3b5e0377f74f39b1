import { checkAccepted } from './acceptance.ts';
import { putSizeBack } from './conflicts.ts';
import { Draft } from './draft.ts';
import { failForBudget, reportFinished } from './finish.ts';
import { followPause, waitsForFirstDecision } from './pause.ts';
import { beginResize, continueResize, endInStop } from './resize.ts';
import { describeWorkers } from './running.ts';
import { startWorkload } from './start.ts';
import { chooseStart } from './start-plan.ts';
import { followTuning } from './tuning.ts';
import { configurationAtWork, type JobView, shapeOf } from './view.ts';
import { wantedReplicas } from './wanted.ts';

/**
 * What is to be done next with one job: pure, so that it can be tested without a cluster and asked again after a crash
 * at any line. Intent is written to the status before it is acted on, and every wait looks at the world, not at memory.
 */
export function advance(view: JobView): Draft {
  const draft = new Draft(view);

  // 1. A finished run is only reported.
  if (reportFinished(view, draft)) return draft;

  // 2. A job that cannot be carried out says why and waits. What already runs goes on.
  const accepted = checkAccepted(view, draft);
  if (!accepted && view.workerJob === undefined) return draft;

  // 3. Hours that are waited for, or no longer.
  followPause(view, draft);

  // 4. A resize under way is brought to its end before anything else is changed.
  if (draft.status.resize !== undefined) {
    if (wantedReplicas(view, draft) === 0) endInStop(view, draft);
    continueResize(view, draft);
    describeWorkers(view, draft);
    return draft;
  }

  // 5. A first start is planned before anything is made: what is decided on is stored, and then acted on.
  if (accepted && chooseStart(view, draft)) return draft;

  // 6. What is missing is made, at the size and batch that were last decided on.
  if (view.workerJob === undefined) {
    makeMissing(view, draft);
    return draft;
  }

  // 7. Another size means a checkpoint and a restart, another batch a reload.
  const replicas = wantedReplicas(view, draft);
  const current = configurationAtWork(view, shapeOf(view.pool, draft.status.pool));
  const suspended = view.workerJob.spec.suspend === true;
  // What is told of a workload at rest is read off it, so that a status that was lost is told again.
  draft.status.replicas = suspended ? 0 : current.replicas;
  if (view.pool !== undefined) draft.status.pool = view.pool.metadata.name;
  if (replicas !== draft.status.replicas) beginResize(view, draft, current, replicas);
  else if (replicas > 0) followTuning(view, draft, current);
  if (draft.status.resize === undefined) putSizeBack(view, draft);

  describeWorkers(view, draft);
  failForBudget(view, draft);
  return draft;
}

function makeMissing(view: JobView, draft: Draft): void {
  if (waitsForFirstDecision(view)) draft.lookAgainIn(5);
  else startWorkload(view, draft, wantedReplicas(view, draft));
  describeWorkers(view, draft);
}
