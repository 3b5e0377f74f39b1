import { Argument, Command, CommanderError, Option } from 'commander';
import { runAdvise } from './advise-command.ts';
import { type Cluster, type ClusterOptions, openCluster } from './cluster.ts';
import { completionFor, SHELLS, type Shell } from './completion.ts';
import { runExplain } from './explain-command.ts';
import { runPlan } from './plan-command.ts';
import { describeError, EXIT } from './problem.ts';
import { runProfileExport, runProfileImport } from './profile-command.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

interface Flags {
  readonly filename: readonly string[];
  readonly output: OutputFormat;
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

export interface Surroundings {
  readonly terminal: Terminal;
  readonly writeError: (text: string) => void;
  /** How a cluster is reached; the real one unless said. */
  readonly open?: (options: ClusterOptions) => Cluster;
}

/** Runs one command line, without the name of the program, and returns what the process ends with. Never throws. */
export async function runCommandLine(words: readonly string[], around: Surroundings): Promise<number> {
  const { writeError } = around;
  let exitCode: number = EXIT.done;
  const program = programFor(around, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
    const { exitCode: code, message } = describeError(error);
    writeError(`error: ${message}\n`);
    return code;
  }
}

function programFor({ terminal, writeError, open = openCluster }: Surroundings, end: (code: number) => void): Command {
  const program = new Command('kubectl-stepwise')
    .description('Tells what training jobs will cost and take, and why Stepwise decides as it does.')
    .exitOverride()
    .configureOutput({ writeOut: terminal.write, writeErr: writeError })
    .showHelpAfterError('(kubectl stepwise --help shows what there is)');

  withCluster(withOutput(withFiles(program.command('plan'))))
    .description('what a TrainingJob would cost and take on each placement, before it is submitted')
    .action(async ({ filename, output, namespace, ...rest }: Flags) => {
      const asked = { files: filename, format: output, namespace };
      let opened: Cluster | undefined;
      try {
        end(
          await runPlan(asked, terminal, () => {
            opened = open({ namespace, ...rest });
            return opened;
          }),
        );
      } finally {
        opened?.close();
      }
    });

  withCluster(withOutput(program.command('explain')))
    .description('why a TrainingJob is as it is: decisions, what they rest on, what else was weighed')
    .argument('<job>', 'name of the TrainingJob')
    .action((job: string, flags: Flags) =>
      using(open(flags), (cluster) => runExplain(job, flags.output, terminal, cluster)),
    );

  withCluster(withOutput(program.command('advise')))
    .description('which larger batches and other hardware would be cheaper, neutral or dearer for what was run so far')
    .option('-f, --filename <files...>', 'files with GPUPools and TrainingProfiles; the cluster fills in the rest', [])
    .option('--price-per-kwh <amount>', 'price of metered electricity, in the currency of the pools')
    .action(async ({ filename, output, namespace, pricePerKwh, ...rest }: Flags & { pricePerKwh?: string }) => {
      const asked = { files: filename, format: output, namespace, pricePerKwh };
      let opened: Cluster | undefined;
      try {
        await runAdvise(asked, terminal, () => {
          opened = open({ namespace, ...rest });
          return opened;
        });
      } finally {
        opened?.close();
      }
    });

  const profile = program.command('profile').description('export and import what runs of a family taught');
  withCluster(withOutput(profile.command('export')))
    .description('write a TrainingProfile as YAML')
    .argument('<family>', 'name of the TrainingProfile')
    .action((family: string, flags: Flags) =>
      using(open(flags), (cluster) => runProfileExport(family, flags.output, terminal, cluster)),
    );
  withCluster(withFiles(profile.command('import')))
    .description('add the runs of exported TrainingProfiles to those of the cluster')
    .action((flags: Flags) => using(open(flags), (cluster) => runProfileImport(flags.filename, terminal, cluster)));

  program
    .command('completion')
    .description('a script that completes commands and flags in your shell')
    .addArgument(new Argument('<shell>', 'shell to write it for').choices([...SHELLS]))
    .action((shell: Shell) => terminal.write(completionFor(program, shell)));
  return program;
}

async function using(cluster: Cluster, work: (cluster: Cluster) => Promise<void>): Promise<void> {
  try {
    await work(cluster);
  } finally {
    cluster.close();
  }
}

function withFiles(command: Command): Command {
  return command.requiredOption('-f, --filename <files...>', 'YAML or JSON files, - for the standard input');
}

function withOutput(command: Command): Command {
  const option = new Option('-o, --output <format>', 'how to write it').choices(['table', 'wide', 'json', 'yaml']);
  return command.addOption(option.default('table'));
}

function withCluster(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'namespace; that of the kubeconfig context unless given')
    .option('--kubeconfig <file>', 'kubeconfig; KUBECONFIG or ~/.kube/config unless given')
    .option('--context <name>', 'context of the kubeconfig');
}
