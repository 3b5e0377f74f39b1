import { EnergyProviders } from '../adapters/energy/providers.ts';
import { WorkerPlanner } from '../adapters/planner/worker-planner.ts';
import { ScaleSubresourceScaler } from '../adapters/pools/scale-subresource.ts';
import { PrometheusClient } from '../adapters/prometheus/client.ts';
import { PrometheusGpuMeter } from '../adapters/prometheus/gpu-meter.ts';
import { PrometheusTrainerMetrics } from '../adapters/prometheus/trainer-metrics-source.ts';
import type { ClusterView } from '../controllers/cluster-view.ts';
import { hasEnded } from '../controllers/ended.ts';
import { EnergyMemory } from '../controllers/energy-source/energy-memory.ts';
import { poolElectricity } from '../controllers/energy-source/pool-energy.ts';
import { EnergySourceReconciler } from '../controllers/energy-source/reconciler.ts';
import { FleetCycle } from '../controllers/fleet/fleet-cycle.ts';
import { FleetMemory } from '../controllers/fleet/fleet-memory.ts';
import { GpuPoolReconciler } from '../controllers/gpu-pool/reconciler.ts';
import { ScalingPolicyReconciler } from '../controllers/scaling-policy/reconciler.ts';
import { TrainingJobReconciler } from '../controllers/training-job/reconciler.ts';
import { profileKeyOf, TrainingProfileReconciler } from '../controllers/training-profile/reconciler.ts';
import { systemClock } from '../kube/clock.ts';
import { connect } from '../kube/connect.ts';
import { Controller } from '../kube/controller.ts';
import { EventRecorder } from '../kube/events.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { KubeMetrics } from '../kube/kube-metrics.ts';
import { keyOf } from '../kube/resource.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { showBills, showPlan } from './fleet-metrics.ts';
import { kubeMetricsOn } from './kube-metrics.ts';
import type { OperatorOptions } from './options.ts';
import { labelledJob, openWatches, ownerKeys } from './watches.ts';

const REQUEST_TIMEOUT_SECONDS = 15;
const PROMETHEUS_TIMEOUT_SECONDS = 10;
const ENERGY_SOURCE_WORKERS = 4;
/** As long as the shortest default between two plans: what takes longer is overtaken by the next. */
const PLAN_TIMEOUT_SECONDS = 30;

/** The one list of everything that runs, and what each part is given. */
export function wire(options: OperatorOptions, log: Logger, metrics: OperatorMetrics) {
  const kubeMetrics = kubeMetricsOn(metrics);
  const runtime = { metrics: kubeMetrics, log };
  const clock = {
    nowSeconds: () => systemClock.now() / 1000,
    monotonicSeconds: () => systemClock.monotonicSeconds(),
  };

  // 1. The API server, what is watched of it, and what is told to people.
  const client = connect(
    {
      kubeconfigPath: options.kubeconfig,
      requestTimeoutSeconds: REQUEST_TIMEOUT_SECONDS,
      rateLimit: { perSecond: options.clientQps, burst: options.clientBurst },
      userAgent: 'stepwise-operator',
    },
    runtime,
  );
  const cluster = openWatches(client, kubeMetrics, log);
  const reporter = { reportingController: 'stepwise.dev/operator', reportingInstance: options.identity };
  const events = new EventRecorder({ client, ...reporter, ...runtime });

  // 2. Jobs and pools, each with one writer.
  const memory = new FleetMemory();
  const jobs = new TrainingJobReconciler({ client, cluster, memory, events, ...clock });
  const newestJob = jobs.newest.bind(jobs);
  const energy = new EnergyMemory();
  const scaler = new ScaleSubresourceScaler(client);
  const pools = new GpuPoolReconciler({ client, cluster, scaler, energy, events, newestJob, ...clock });
  const reconcileJob = (key: string) => jobs.reconcile(key);
  const jobController = new Controller({
    name: 'training-job',
    workers: options.workers,
    reconcile: reconcileJob,
    ...runtime,
  })
    .watch(cluster.trainingJobs)
    .watch(cluster.workerJobs, ({ object }) => ownerKeys(object))
    .watch(cluster.configMaps, ({ object }) => ownerKeys(object))
    .watch(cluster.pods, ({ object }) => labelledJob(object));
  const policies = new ScalingPolicyReconciler({ client, cluster, ...clock });
  const { namespace } = options;
  const signals = energySignals(client, options);
  const sources = new EnergySourceReconciler({ client, cluster, signals, memory: energy, namespace, ...clock });
  const rarelyChanged = rareControllers(cluster, { pools, policies, sources }, runtime);
  const profiles = new TrainingProfileReconciler({ client, cluster, newestJob, ...clock });

  // 3. The planning cycle over the whole fleet.
  const prometheus = prometheusClient(options);
  const planner = new WorkerPlanner({ timeoutSeconds: PLAN_TIMEOUT_SECONDS });
  const fleet = new FleetCycle({
    cluster,
    memory,
    electricityOf: (pool, now) => poolElectricity(pool, energy, now),
    isEnergyRead: () => cluster.energySources.list().every(({ metadata }) => energy.get(metadata.name) !== undefined),
    planner,
    metrics: new PrometheusTrainerMetrics(prometheus),
    gpuMeter: new PrometheusGpuMeter(prometheus),
    gatherers: { cluster, memory, ...jobs.written },
    newest: newestJob,
    nowSeconds: clock.nowSeconds,
    enqueue: (key) => jobController.enqueue(key),
    ...cycleReports(log, metrics, memory, cluster),
  });
  return {
    client,
    cluster,
    events,
    kubeMetrics,
    controllers: [jobController, profileController(cluster, profiles, runtime), ...rarelyChanged],
    fleet,
    planner,
  };
}

function prometheusClient(options: OperatorOptions): PrometheusClient {
  return new PrometheusClient({
    url: options.prometheusUrl,
    timeoutSeconds: PROMETHEUS_TIMEOUT_SECONDS,
    bearerTokenFile: options.prometheusTokenFile,
    caFile: options.prometheusCaFile,
    headers: options.prometheusHeaders,
  });
}

function energySignals(client: KubeClient, options: OperatorOptions): EnergyProviders {
  return new EnergyProviders({
    client,
    prometheus: {
      url: options.prometheusUrl,
      headers: options.prometheusHeaders,
      bearerTokenFile: options.prometheusTokenFile,
      caFile: options.prometheusCaFile,
    },
  });
}

interface RareReconcilers {
  readonly pools: GpuPoolReconciler;
  readonly policies: ScalingPolicyReconciler;
  readonly sources: EnergySourceReconciler;
}

/** Learns from the ends of runs; a profile that was imported is described as well. */
function profileController(
  cluster: ClusterView,
  profiles: TrainingProfileReconciler,
  runtime: { readonly metrics: KubeMetrics; readonly log: Logger },
): Controller {
  return new Controller({ name: 'training-profile', reconcile: (key) => profiles.reconcile(key), ...runtime })
    .watch(cluster.profiles)
    .watch(cluster.trainingJobs, ({ object }) => {
      const key = hasEnded(object.status) ? profileKeyOf(object) : undefined;
      return key === undefined ? [] : [key];
    });
}

/** Controllers of the kinds that administrators make: few objects, and few workers. */
function rareControllers(
  cluster: ClusterView,
  { pools, policies, sources }: RareReconcilers,
  runtime: { readonly metrics: KubeMetrics; readonly log: Logger },
): readonly Controller[] {
  const poolKeys = () => cluster.pools.list().map(keyOf);
  const policyKeys = () => cluster.policies.list().map(keyOf);
  return [
    new Controller({ name: 'gpu-pool', reconcile: (key) => pools.reconcile(key), ...runtime })
      .watch(cluster.pools)
      .watch(cluster.nodes, poolKeys)
      .watch(cluster.trainingJobs, poolKeys),
    new Controller({ name: 'scaling-policy', reconcile: (key) => policies.reconcile(key), ...runtime })
      .watch(cluster.policies, policyKeys)
      .watch(cluster.trainingJobs, ({ type }) => (type === 'updated' ? [] : policyKeys())),
    // A provider that does not answer keeps the others waiting no longer than it must.
    new Controller({
      name: 'energy-source',
      workers: ENERGY_SOURCE_WORKERS,
      reconcile: (key, signal) => sources.reconcile(key, signal),
      ...runtime,
    }).watch(cluster.energySources),
  ];
}

/** What each cycle leaves in log and metrics. */
function cycleReports(
  log: Logger,
  metrics: OperatorMetrics,
  memory: FleetMemory,
  cluster: ClusterView,
): Pick<
  ConstructorParameters<typeof FleetCycle>[0],
  'onPlanned' | 'onPlanFailed' | 'onMetricsRead' | 'onGpusUnread' | 'onSettled'
> {
  return {
    onPlanned: ({ plan, seconds }) => {
      metrics.planDuration.observe(seconds);
      showPlan(metrics, plan, cluster.pools.list());
      for (const { key, action, reason, message } of plan.decisions) {
        metrics.decisions.inc({ action, reason });
        log.log(action === 'Hold' ? 'debug' : 'info', 'decided', { job: key, action, reason, decision: message });
      }
    },
    onPlanFailed: ({ problem, message }) => {
      metrics.planFailures.inc({ problem });
      log.error('the fleet could not be planned; what was decided last is held', { problem, error: message });
    },
    onGpusUnread: ({ message }) =>
      log.warn('the GPUs could not be read; their energy is modelled', { problem: message }),
    onSettled: (bills) => showBills(metrics, bills),
    onMetricsRead: ({ ok, seconds }) => {
      metrics.metricsReadDuration.observe({ result: ok ? 'ok' : 'error' }, seconds);
      if (!ok) log.warn('the metrics could not be read', { problem: memory.metricsProblem });
    },
  };
}
