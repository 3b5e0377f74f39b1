import type { TrainingJobStatus } from '../../api/training-job.ts';
import { type JobAccount, NEW_ACCOUNT, predictEnergy } from '../../core/account/job-account.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { decimalIfKnown, present } from '../present.ts';

/** The account as the status keeps it over a restart of the operator; counters of GPUs are begun anew. */
export function accountIn({ cost, energy }: TrainingJobStatus): JobAccount {
  return {
    ...NEW_ACCOUNT,
    cost: Number(cost?.accrued ?? 0),
    until: fromInstant(cost?.accruedUntil),
    kilowattHours: Number(energy?.kilowattHours ?? 0),
    modelledKilowattHours: Number(energy?.modelledKilowattHours ?? 0),
    kgCo2e: Number(energy?.co2eKilograms ?? 0),
    kilowattHoursWithoutIntensity: Number(energy?.kilowattHoursWithoutIntensity ?? 0),
    unknownGpuSeconds: energy?.unknownGpuSeconds ?? 0,
    busySeconds: energy?.busySeconds ?? 0,
    energySource: energy?.source,
  };
}

/** Money as the status tells it. */
export function moneyOf({ cost, until }: JobAccount) {
  return present({
    accrued: decimalIfKnown(cost),
    accruedUntil: until === undefined ? undefined : toInstant(until),
  });
}

/**
 * Energy as the status tells it; undefined where none is known. CO2e is left out where no intensity is.
 *
 * @param secondsToTarget undefined while the end is not known
 */
export function energyOf(account: JobAccount, secondsToTarget: number | undefined): TrainingJobStatus['energy'] {
  const { kilowattHours, kilowattHoursWithoutIntensity, energySource } = account;
  const total = decimalIfKnown(kilowattHours);
  if (total === undefined || (kilowattHours === 0 && account.unknownGpuSeconds === 0)) return undefined;
  const ahead = secondsToTarget === undefined ? undefined : predictEnergy(account, secondsToTarget);
  const isTold = kilowattHours > kilowattHoursWithoutIntensity;
  return {
    kilowattHours: total,
    ...present({
      modelledKilowattHours: decimalIfKnown(account.modelledKilowattHours),
      source: energySource,
      unknownGpuSeconds: Math.round(account.unknownGpuSeconds),
      busySeconds: Math.round(account.busySeconds),
      co2eKilograms: isTold ? decimalIfKnown(account.kgCo2e) : undefined,
      kilowattHoursWithoutIntensity: decimalIfKnown(kilowattHoursWithoutIntensity),
      toTargetKilowattHours: decimalIfKnown(ahead?.kilowattHours),
      toTargetCo2eKilograms: decimalIfKnown(ahead?.kgCo2e),
    }),
  };
}
