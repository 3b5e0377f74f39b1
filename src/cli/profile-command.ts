import { stringify } from 'yaml';
import { API_VERSION, TRAINING_PROFILE } from '../api/group.ts';
import type { TrainingProfile } from '../api/training-profile.ts';
import { runsOf } from '../controllers/training-profile/priors-for.ts';
import { fromRunRecord } from '../controllers/training-profile/run-codec.ts';
import { mergeRuns } from '../core/profile/merge.ts';
import { isConflict } from '../kube/kube-error.ts';
import type { Cluster } from './cluster.ts';
import { readDocuments } from './documents.ts';
import { EXIT, Problem } from './problem.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

const ATTEMPTS = 5;

/** Writes what a family taught, without what belongs to this cluster alone. */
export async function runProfileExport(
  name: string,
  format: OutputFormat,
  terminal: Terminal,
  cluster: Cluster,
): Promise<void> {
  const profile = await cluster.profile(name);
  if (profile === undefined) {
    const remedy = 'kubectl get trainingprofiles --all-namespaces lists those there are; -n chooses the namespace';
    throw new Problem(
      EXIT.notFound,
      `there is no TrainingProfile ${name} in namespace ${cluster.namespace}: ${remedy}`,
    );
  }
  const plain = { apiVersion: API_VERSION, kind: TRAINING_PROFILE.kind, metadata: { name }, spec: profile.spec };
  terminal.write(format === 'json' ? `${JSON.stringify(plain, undefined, 2)}\n` : stringify(plain));
}

/** Adds the runs of each profile in the files to the one of its name, each run once. */
export async function runProfileImport(files: readonly string[], terminal: Terminal, cluster: Cluster): Promise<void> {
  const { profiles } = readDocuments(files, terminal);
  if (profiles.length === 0) {
    throw new Problem(EXIT.badInput, 'no TrainingProfile is in the files given with -f: export one first');
  }
  for (const profile of profiles) terminal.write(await importOne(profile, cluster));
}

/** Reads anew and tries again where the operator has recorded a run in the meantime. */
async function importOne(profile: TrainingProfile, cluster: Cluster, attempt = 1): Promise<string> {
  const { name } = profile.metadata;
  const known = await cluster.profile(name);
  const merged = merge(known, profile);
  try {
    await cluster.storeRuns(name, known, merged);
  } catch (error) {
    if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    return importOne(profile, cluster, attempt + 1);
  }
  return `trainingprofile/${name}: ${known?.spec.runs.length ?? 0} runs before, ${merged.length} now\n`;
}

function merge(known: TrainingProfile | undefined, added: TrainingProfile): TrainingProfile['spec']['runs'] {
  return mergeRuns(known === undefined ? [] : runsOf(known), runsOf(added)).map(fromRunRecord);
}
