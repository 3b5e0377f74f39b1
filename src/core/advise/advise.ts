import type { InstantSeconds } from '../configuration.ts';
import { PRIOR_RESTART_SECONDS } from '../plan/evaluate.ts';
import type { AdvisedPool } from './capacity-cost.ts';
import type { FamilyRuns } from './demand.ts';
import { adviseHardware } from './hardware.ts';
import { adviseBatch } from './larger-batch.ts';
import type { Advice, Withheld } from './verdict.ts';

/** All that advice rests on. */
export interface Observed {
  readonly now: InstantSeconds;
  readonly pools: readonly AdvisedPool[];
  readonly families: readonly FamilyRuns[];
}

export interface AdviceGiven {
  readonly advice: readonly Advice[];
  readonly withheld: readonly Withheld[];
}

/**
 * Whether larger batches and other hardware would be cheaper, neutral or dearer for the demand that was observed. The
 * core's door to advice: decisions go by marginal cost, this one by the whole.
 */
export function advise({ now, pools, families }: Observed): AdviceGiven {
  const restarts = families.flatMap(({ runs }) => runs.flatMap(({ restartSeconds }) => restartSeconds ?? []));
  const middle = restarts.toSorted((one, other) => one - other)[Math.floor(restarts.length / 2)];
  const all = [
    ...families.flatMap((family) => adviseBatch(family, now)),
    ...adviseHardware(pools, families, now, middle ?? PRIOR_RESTART_SECONDS),
  ];
  return {
    advice: all.filter((each) => 'verdict' in each),
    withheld: all.filter((each) => 'reason' in each),
  };
}
