import { Command, InvalidArgumentError, Option } from 'commander';

/** Everything that can be set from outside, frozen. Each flag may also come from the environment. */
export interface OperatorOptions {
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
  readonly prometheusUrl: string;
  readonly prometheusTokenFile: string | undefined;
  readonly prometheusCaFile: string | undefined;
  readonly prometheusHeaders: Readonly<Record<string, string>>;
  readonly readIntervalSeconds: number;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly leaderElection: boolean;
  readonly identity: string;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly logFormat: 'json' | 'text';
  readonly clientQps: number;
  readonly clientBurst: number;
  readonly workers: number;
}

/** Reads flags and environment. Ends the process with a message and exit code 1 when they make no sense. */
export function parseOptions(argv: readonly string[], environment: NodeJS.ProcessEnv): OperatorOptions {
  const program = new Command('stepwise-operator')
    .description('Makes TrainingJobs cost less: measures, plans, resizes, reloads.')
    .addOption(option('--kubeconfig <file>', 'KUBECONFIG', 'kubeconfig; without it the service account of the pod'))
    .addOption(option('--namespace <name>', 'POD_NAMESPACE', 'namespace of the Lease', 'stepwise-system'))
    .addOption(
      option('--prometheus-url <url>', 'STEPWISE_PROMETHEUS_URL', 'Prometheus', 'http://127.0.0.1:9090').argParser(url),
    )
    .addOption(option('--prometheus-token-file <file>', 'STEPWISE_PROMETHEUS_TOKEN_FILE', 'file with a bearer token'))
    .addOption(option('--prometheus-ca-file <file>', 'STEPWISE_PROMETHEUS_CA_FILE', 'CA of the Prometheus server'))
    .addOption(
      option('--prometheus-header <name=value>', 'STEPWISE_PROMETHEUS_HEADER', 'header such as X-Scope-OrgID=team')
        .argParser(header)
        .default({}),
    )
    .addOption(seconds('--read-interval-seconds <n>', 'STEPWISE_READ_INTERVAL_SECONDS', 'time between two readings', 5))
    .addOption(option('--listen-host <address>', 'STEPWISE_LISTEN_HOST', 'address of metrics and probes', '0.0.0.0'))
    .addOption(integer('--listen-port <n>', 'STEPWISE_LISTEN_PORT', 'port of metrics and probes', 8080))
    .addOption(new Option('--no-leader-election', 'run without a Lease; for one replica on a development cluster'))
    .addOption(option('--identity <name>', 'POD_NAME', 'name of this replica', `stepwise-${process.pid}`))
    .addOption(
      option('--log-level <level>', 'STEPWISE_LOG_LEVEL', 'least level logged', 'info').choices([
        ...['error', 'warn', 'info', 'debug'],
      ]),
    )
    .addOption(option('--log-format <format>', 'STEPWISE_LOG_FORMAT', 'how', 'json').choices(['json', 'text']))
    .addOption(integer('--client-qps <n>', 'STEPWISE_CLIENT_QPS', 'requests a second to the API server', 50))
    .addOption(integer('--client-burst <n>', 'STEPWISE_CLIENT_BURST', 'requests at once to the API server', 100))
    .addOption(integer('--workers <n>', 'STEPWISE_WORKERS', 'jobs reconciled at once', 8));
  for (const each of program.options) applyEnvironment(program, each, environment);
  program.parse([...argv], { from: 'user' });
  const values = program.opts();
  return Object.freeze({
    ...values,
    prometheusHeaders: values['prometheusHeader'] as Record<string, string>,
  }) as unknown as OperatorOptions;
}

function option(flags: string, variable: string, description: string, fallback?: string): Option {
  const made = new Option(flags, description).env(variable);
  return fallback === undefined ? made : made.default(fallback);
}

function integer(flags: string, variable: string, description: string, fallback: number): Option {
  return new Option(flags, description)
    .env(variable)
    .default(fallback)
    .argParser((text) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < 1)
        throw new InvalidArgumentError(`"${text}" is not a whole number above 0.`);
      return value;
    });
}

function seconds(flags: string, variable: string, description: string, fallback: number): Option {
  return new Option(flags, description)
    .env(variable)
    .default(fallback)
    .argParser((text) => {
      const value = Number(text);
      if (!Number.isFinite(value) || value < 1 || value > 300) {
        throw new InvalidArgumentError(`"${text}" is not a number of seconds from 1 to 300.`);
      }
      return value;
    });
}

function url(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new InvalidArgumentError(`"${text}" is not an address such as http://prometheus.monitoring:9090.`);
  }
  return text;
}

function header(text: string, before: unknown): Record<string, string> {
  const [name, ...value] = text.split('=');
  if (name === undefined || name === '' || value.length === 0) {
    throw new InvalidArgumentError(`"${text}" is not of the form Name=value.`);
  }
  return { ...(before as Record<string, string>), [name]: value.join('=') };
}

/**
 * Takes the value from the environment that was handed in, as if it were a flag. An empty variable counts as not set, as
 * charts render one for a value that was left out.
 */
function applyEnvironment(program: Command, each: Option, environment: NodeJS.ProcessEnv): void {
  const variable = each.envVar;
  const text = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || text === undefined) return;
  if (text === '') delete environment[variable];
  // Commands are event emitters, which their types do not say.
  else (program as unknown as NodeJS.EventEmitter).emit(`optionEnv:${each.name()}`, text);
}
