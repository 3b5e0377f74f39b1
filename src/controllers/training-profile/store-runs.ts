import type { KubeClient } from '../../kube/kube-client.ts';
import { TRAINING_PROFILES, type TrainingProfileObject } from '../kinds.ts';
import { FIELD_MANAGER } from '../training-job/actuate.ts';

/**
 * Stores the runs of a family in place of those that were read. The list is written as a whole, not applied: whoever
 * applied a profile would own its runs, the oldest could not make room, and the API server would refuse the 21st.
 * @throws isConflict when the profile was changed since it was read, so that no run of another writer is lost
 */
export async function storeRuns(
  client: KubeClient,
  at: { readonly namespace: string; readonly name: string },
  known: TrainingProfileObject | undefined,
  runs: TrainingProfileObject['spec']['runs'],
): Promise<TrainingProfileObject> {
  const options = { fieldManager: FIELD_MANAGER };
  if (known !== undefined) {
    const { resourceVersion } = known.metadata;
    return client.mergePatch(TRAINING_PROFILES, at, { metadata: { resourceVersion }, spec: { runs } }, options);
  }
  const { apiVersion, kind } = TRAINING_PROFILES;
  return client.apply(
    TRAINING_PROFILES,
    { apiVersion, kind, metadata: at, spec: { runs } } as TrainingProfileObject,
    options,
  );
}
