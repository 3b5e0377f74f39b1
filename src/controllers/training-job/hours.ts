import { duration } from '../../core/explain/figures.ts';
import { isTimeZone } from '../../core/plan/weekly-hours.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';
import type { EcoLimits } from '../../core/snapshot.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Says early whether the run will keep to the hours that windows and limits leave it. */
export function reportHours(view: JobView, draft: Draft, decision: JobDecision | undefined): void {
  const { eco } = view.limits;
  const wasTold = view.status.conditions?.some(({ type }) => type === 'HoursKept') ?? false;
  const zone = view.job.spec.eco?.timeZone;
  if (zone !== undefined && !isTimeZone(zone)) {
    const message = `spec.eco.timeZone ${zone} is not known: use a name of the IANA database such as Europe/Berlin`;
    draft.condition('HoursKept', 'False', 'TimeZoneUnknown', message);
  } else if (eco === undefined || !excludesHours(eco)) {
    if (eco !== undefined || wasTold) draft.condition('HoursKept', 'True', 'NoLimits', 'no windows or limits are set');
  } else {
    reportOutlook(draft, decision?.hours);
  }
}

function reportOutlook(draft: Draft, outlook: JobDecision['hours']): void {
  if (outlook === undefined) return;
  const { excludedSeconds, unknown } = outlook;
  if (excludedSeconds === undefined) {
    const message = 'it runs in hours that windows or limits exclude: its deadline leaves no time to wait';
    draft.condition('HoursKept', 'False', 'DeadlineComesFirst', message);
  } else if (excludedSeconds > 0) {
    const message = `${duration(excludedSeconds)} will be in hours that windows or limits exclude, or it would be late`;
    draft.condition('HoursKept', 'False', 'DeadlineComesFirst', message);
  } else if (unknown.length > 0) {
    const message = `the ${unknown.join(' and the ')} of some hours is not known; they are not excluded for it`;
    draft.condition('HoursKept', 'Unknown', 'SignalUnknown', message);
  } else {
    draft.condition('HoursKept', 'True', 'HoursKept', 'by the plan it runs in no excluded hour');
  }
}

function excludesHours({ allowed, forbidden, maxPricePerKwh, maxKgCo2ePerKwh, minRenewableShare }: EcoLimits): boolean {
  return [allowed, forbidden, maxPricePerKwh, maxKgCo2ePerKwh, minRenewableShare].some((limit) => limit !== undefined);
}
