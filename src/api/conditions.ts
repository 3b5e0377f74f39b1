import type { ConditionCatalog, ConditionTypeOf, ReasonOf } from './condition-catalog.ts';

export const TRAINING_JOB_CONDITIONS = {
  Accepted: {
    meaning: 'The spec can be carried out as it stands.',
    reasons: {
      Accepted: 'True: pools and policy were found and the spec agrees with them.',
      PoolNotFound: 'False: a GPUPool in spec.capacity.pools does not exist.',
      PoolNotReady: 'False: none of the GPUPools is ready.',
      ModeNotAllowed: 'True: the ScalingPolicy does not allow spec.mode, a lesser mode is in force.',
      PolicyLimitExceeded: 'False: the spec asks for more than the ScalingPolicy allows.',
      CurrencyMismatch: 'False: budget and pools are in different currencies.',
      GpusExceedNode: 'False: gpusPerReplica is more than a node of the pool has.',
      NameTaken: 'False: a workload of that name exists and belongs to someone else.',
      PodTemplateRefused: 'False: the API server refused the workload made from the podTemplate.',
    },
  },
  CapacityReady: {
    meaning: 'The nodes for the workers decided on are there.',
    reasons: {
      CapacityReady: 'True: the nodes are ready.',
      WaitingForNodes: 'False: nodes were asked for and are not ready yet.',
      PodsUnschedulable: 'False: nodes are ready but the scheduler finds no room for the pods.',
      StockOut: 'False: the pool did not deliver nodes in time.',
      PoolFull: 'False: the pool is at its limit and other jobs hold it.',
      NotNeeded: 'Unknown: the job is suspended or finished.',
    },
  },
  Running: {
    meaning: 'All workers decided on are ready and the trainer makes steps.',
    reasons: {
      Training: 'True: steps are being made.',
      Starting: 'False: workers are being created or have not made a step yet.',
      WorkersNotReady: 'False: some workers are not ready.',
      Rescaling: 'False: workers are being changed.',
      Suspended: 'False: the job is suspended.',
      Paused: 'False: the job waits for better hours.',
      Finished: 'False: the job is complete or has failed.',
    },
  },
  MetricsAvailable: {
    meaning: 'The samples that decisions need are there and young enough.',
    reasons: {
      MetricsAvailable: 'True: every signal is there.',
      MetricsPartial:
        'True: steps are there, but a signal such as the noise scale is missing, which narrows decisions.',
      MetricsStale: 'False: the newest sample is older than the staleness limit.',
      MetricsMissing: 'False: the trainer has not been seen in Prometheus.',
      MetricsImplausible: 'False: samples contradict each other or are not numbers.',
      PrometheusUnavailable: 'Unknown: Prometheus does not answer.',
      NotRunning: 'Unknown: there are no workers to measure.',
    },
  },
  ConfigInSync: {
    meaning: 'The trainer has applied the newest tuning.',
    reasons: {
      Applied: 'True: the trainer reports the newest version.',
      WaitingForAck: 'False: a version was sent and the time to answer has not run out.',
      ReloadNotAcked: 'False: the trainer did not answer in time; the old batch is assumed.',
      RejectedByTrainer: 'False: the trainer refused the version, for the reason in the message.',
      NotTuned: 'Unknown: no tuning has been sent.',
    },
  },
  Rescaling: {
    meaning: 'Workers are being changed. Abnormal when it lasts.',
    reasons: {
      WaitingForCapacity: 'True: nodes for the new size are being brought up.',
      CheckpointRequested: 'True: the trainer was asked for a checkpoint.',
      Stopping: 'True: the old workers are stopping.',
      Starting: 'True: the new workers are starting.',
      NotRescaling: 'False: nothing is being changed.',
      CheckpointTimedOut: 'False: the trainer wrote no checkpoint in time and the change was given up.',
      CapacityTimedOut: 'False: the nodes did not come in time and the change was given up.',
    },
  },
  DeadlineAtRisk: {
    meaning: 'The forecast misses the deadline. Abnormal when true.',
    reasons: {
      OnTime: 'False: the forecast meets the deadline.',
      ForecastLate: 'True: the forecast ends after the deadline even with the largest allowed allocation.',
      DeadlineExceeded: 'True: the deadline has passed.',
      NoDeadline: 'False: no deadline is set.',
      ForecastUnknown: 'Unknown: there is not enough data for a forecast.',
    },
  },
  WithinBudget: {
    meaning: 'Money, energy and CO2e of the whole run, so far and by the forecast, keep the budget.',
    reasons: {
      WithinBudget: 'True: the forecast keeps the budget.',
      BudgetWarning: 'True: what is used or forecast has passed warnAtPercent of a budget.',
      ForecastExceedsBudget: 'False: the forecast of the whole run ends above a budget.',
      BudgetExceeded: 'False: a budget is used up.',
      NoBudget: 'True: no budget is set.',
      PriceUnknown: 'Unknown: the price of the pool is not known.',
      UsageUnknown: 'Unknown: nothing tells the energy, or the CO2e, that a budget limits.',
    },
  },
  ConflictingScaler: {
    meaning: 'Something else changes the size of the workload. Abnormal when true.',
    reasons: {
      None: 'False: nobody else changes it.',
      WorkloadChangedByOther: 'True: the workload was changed by another owner.',
    },
  },
  Suspended: {
    meaning: 'There are no workers because the job is suspended.',
    reasons: {
      SuspendedByUser: 'True: spec.suspend is true.',
      BudgetExceeded: 'True: a budget is used up, or surely will be, and onExceeded is Suspend or Fail.',
      Suspending: 'False: a checkpoint was asked for and the workers are stopping.',
      NotSuspended: 'False: the job may run.',
    },
  },
  Paused: {
    meaning: 'There are no workers because better hours are waited for.',
    reasons: {
      CheaperHours: 'True: hours that cost less, carbon at its price included, are waited for.',
      OutsideHours: 'True: windows or limits of spec.eco or of the ScalingPolicy exclude this hour.',
      NotPaused: 'False: no hours are waited for.',
    },
  },
  HoursKept: {
    meaning: 'The run keeps to the hours that windows and limits leave it.',
    reasons: {
      HoursKept: 'True: by the plan it runs in no hour that they exclude.',
      NoLimits: 'True: no windows or limits are set.',
      DeadlineComesFirst: 'False: part of the run will be in excluded hours, or the deadline would be missed.',
      SignalUnknown: 'Unknown: a limit is set on a signal that is not known for these hours; it excludes none of them.',
      TimeZoneUnknown: 'False: the time zone is not one of the IANA database; its windows exclude no hours.',
    },
  },
  Complete: {
    meaning: 'The work is done.',
    reasons: {
      WorkloadSucceeded: 'True: all workers ended successfully.',
      NotFinished: 'False: the work is not done.',
    },
  },
  Failed: {
    meaning: 'The run has failed and is not tried again.',
    reasons: {
      BackoffLimitExceeded: 'True: more pods failed than backoffLimit allows.',
      BudgetExceeded: 'True: a budget is used up, or surely will be, and onExceeded is Fail.',
      ActiveDeadlineExceeded: 'True: the run was active longer than activeDeadlineSeconds.',
      WorkloadFailed: 'True: the workload failed for another reason, given in the message.',
      NotFailed: 'False: the run has not failed.',
    },
  },
} as const satisfies ConditionCatalog;

export const GPU_POOL_CONDITIONS = {
  Ready: {
    meaning: 'The pool can be used.',
    reasons: {
      Ready: 'True: nodes can be counted and, where it is ours to do, scaled.',
      ScalerUnavailable: 'False: the scale target cannot be read or written.',
      SelectorOverlaps: 'False: another GPUPool selects the same nodes.',
      NodesDisagree: 'False: nodes carry another number of GPUs than gpusPerNode.',
    },
  },
  ScalerAvailable: {
    meaning: 'The scale subresource of the scale target can be read and written.',
    reasons: {
      ScalerAvailable: 'True: the last read and write succeeded.',
      NotScaled: 'True: the provider is None, nodes are left to others.',
      TargetNotFound: 'False: the scale target does not exist.',
      Forbidden: 'False: the operator may not write the scale target.',
      NotScalable: 'False: the scale target has no scale subresource.',
      ScaleIgnored: 'False: the scale was written and the target does not follow.',
    },
  },
  StockOut: {
    meaning: 'The last nodes asked for did not come in time. Abnormal when true.',
    reasons: {
      InStock: 'False: the last nodes asked for came.',
      ProvisioningTimedOut: 'True: nodes did not become ready within provisioningTimeoutSeconds.',
    },
  },
  Conflicting: {
    meaning: 'Something else changes the number of nodes. Abnormal when true.',
    reasons: {
      None: 'False: nobody else changes it.',
      ScaleChangedByOther: 'True: the scale target was changed by another owner.',
    },
  },
  EnergyKnown: {
    meaning: 'The energy sources that the pool names tell the hours to come.',
    reasons: {
      EnergyKnown: 'True: every source named is known.',
      NotConfigured: 'Unknown: spec.energy names no source, so that all hours are alike.',
      SourceNotFound: 'False: an EnergySource named in spec.energy does not exist.',
      SignalMismatch: 'False: an EnergySource named in spec.energy tells another signal than is asked of it.',
      CurrencyMismatch: 'False: the price is in another currency than the nodes are.',
      PowerUnknown: 'False: electricity is metered, and nothing says what a GPU draws; its cost is left out.',
      SignalUnknown: 'False: a source has not been read yet, or its values are too old; its hours count as alike.',
    },
  },
} as const satisfies ConditionCatalog;

export const SCALING_POLICY_CONDITIONS = {
  Accepted: {
    meaning: 'The policy is in force.',
    reasons: {
      Accepted: 'True: it holds for the namespaces it names.',
      Shadowed: 'False: for each of its namespaces another policy comes first by name.',
      TimeZoneUnknown: 'False: spec.hours.timeZone is not one of the IANA database; its windows are not in force.',
    },
  },
} as const satisfies ConditionCatalog;

export const TRAINING_PROFILE_CONDITIONS = {
  Usable: {
    meaning: 'The next run of the family can be forecast from it.',
    reasons: {
      Learned: 'True: at least one run was timed.',
      NothingTimed: 'False: no run was timed yet, so that the next one learns from zero.',
    },
  },
} as const satisfies ConditionCatalog;

/** Why nothing is changed; reasons of a decision with action Hold, and of events. */
export const HOLD_REASONS = {
  ObserveOnly: 'The mode is Observe.',
  HeldByUser: 'An annotation holds the job.',
  NotRunning: 'The workers are not running.',
  ChangeInProgress: 'Another change has not ended.',
  MetricsUnavailable: 'Prometheus has no samples of the trainer.',
  MetricsStale: 'The samples are too old, or no step is being made.',
  ReloadNotAcked: 'The trainer does not acknowledge tunings.',
  LearningThroughput: 'The configuration in force has not been measured long enough.',
  AtOptimum: 'No allowed configuration is cheaper.',
  BelowMinimumGain: 'The change saves less than minimumGainPercent, or not surely enough.',
  StabilizationWindow: 'The pause after the last change has not run out.',
  RescaleRateLimited: 'The bound of changes in an hour is reached.',
  NearlyDone: 'Too little work is left for a change to pay.',
  StockOut: 'The pool has no nodes to give.',
  PoolFull: 'The GPUs of the pool are taken.',
  DeadlineInfeasible: 'The deadline cannot be met beside those that were promised; the message says which could be.',
  WaitingForHours: 'The job is paused until hours that cost less.',
  PlanningFailed: 'A defect of Stepwise; the message says which. Other jobs are not affected.',
} as const;

/** Why another configuration is asked for; reasons of the changes that the planner decides. */
export const CHANGE_REASONS = {
  CheaperBatch: 'Another batch on the same workers saves enough of the remaining cost.',
  CheaperSize: 'Another number of workers, or another pool, saves enough of the remaining cost.',
  DeadlineAtRisk: 'It costs more, and the deadline would be missed without it.',
  BudgetAtRisk: 'It takes longer, and more than the budget would be spent without it.',
  YieldsToOthers:
    'The pool has not enough for all; the GPUs given up save other jobs clearly more than this one loses.',
} as const;

/** What came of a configuration that was weighed, in the options of a recommendation. */
export const OPTION_VERDICTS = {
  Chosen: 'It is the one recommended.',
  Current: 'It is in force, and another one is recommended.',
  ExceedsBudget: 'It would not keep the budget surely enough, and the one recommended does.',
  MissesDeadline: 'It would not end by the deadline surely enough, and the one recommended does.',
  Dearer: 'Finishing with it costs more, the restart included.',
  Slower: 'Finishing with it takes longer, where time is the objective.',
  NoRoom: 'It would be better, but the pool has not enough for all and other jobs need the GPUs more.',
  Held: 'It would be better, but free GPUs, limits or the mode keep the job from it for now.',
} as const;

export type TrainingJobConditionType = ConditionTypeOf<typeof TRAINING_JOB_CONDITIONS>;
export type TrainingJobReason<T extends TrainingJobConditionType = TrainingJobConditionType> =
  T extends TrainingJobConditionType ? ReasonOf<typeof TRAINING_JOB_CONDITIONS, T> : never;
export type GpuPoolConditionType = ConditionTypeOf<typeof GPU_POOL_CONDITIONS>;
export type GpuPoolReason<T extends GpuPoolConditionType = GpuPoolConditionType> = T extends GpuPoolConditionType
  ? ReasonOf<typeof GPU_POOL_CONDITIONS, T>
  : never;
export type HoldReason = keyof typeof HOLD_REASONS;
export type ChangeReason = keyof typeof CHANGE_REASONS;
export type OptionVerdict = keyof typeof OPTION_VERDICTS;
