import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

const HERE = new URL('.', import.meta.url).pathname;
const ROOT = new URL('../../..', import.meta.url).pathname;
const STDERR_KEPT = 2000;
const CLOSE_WITHIN_MS = 5000;

/** The step time by the authors: compute α_c + β_c·m, synchronisation α + β·(replicas − 2) within (r) or between (n) nodes. Seconds. */
export interface PerfParams {
  readonly alpha_c: number;
  readonly beta_c: number;
  readonly alpha_n: number;
  readonly beta_n: number;
  readonly alpha_r: number;
  readonly beta_r: number;
  readonly gamma: number;
}

export interface PolluxJob {
  readonly name: string;
  /** Undefined before the job was profiled. */
  readonly perfParams: PerfParams | undefined;
  /** |G|² and tr(Σ)/B0 at the initial batch size B0; undefined before they were measured. */
  readonly gradParams: { readonly sqr: number; readonly var: number } | undefined;
  readonly initBatchSize: number;
  readonly maxBatchSize: number;
  /** Of the samples that one GPU takes at once. */
  readonly localBatchSizeBounds: readonly [number, number];
  readonly gradientAccumulation: boolean;
  readonly minReplicas: number;
  /** The deployed allocator allows twice as many as were profiled, at least one. */
  readonly maxReplicas: number;
  readonly createdAtSeconds: number;
}

export interface PolluxNode {
  readonly name: string;
  readonly gpus: number;
}

/** Job → the node of each of its replicas; a node is named as often as it bears a replica. */
export type Allocations = Readonly<Record<string, readonly string[]>>;

export interface PolluxDecision {
  /** False when no solution of the search fits the nodes there are: the deployed allocator then stops every job. */
  readonly found: boolean;
  readonly allocations: Allocations;
  /** Micro batch and passes of each profiled job on its nodes, as its trainer would choose them. */
  readonly batches: Readonly<Record<string, readonly [number, number]>>;
  readonly desiredNodes: number;
  /** Of the optimization alone, on the clock. */
  readonly seconds: number;
  /** The same in time of the processor: does not grow when others use the machine. */
  readonly cpuSeconds: number;
}

/** One entry for each measured step, seconds of the whole step and of its compute. */
export interface Measurements {
  readonly nodes: readonly number[];
  readonly replicas: readonly number[];
  readonly localBatchSize: readonly number[];
  readonly computeSeconds: readonly number[];
  readonly stepSeconds: readonly number[];
}

export interface PolluxOptions {
  readonly seed: number;
  /** Use every node that there is, as on a cluster that is paid for anyway; otherwise Pollux also shrinks the cluster. */
  readonly fixedCluster: boolean;
}

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };

/**
 * The Pollux policy (OSDI '21) as its authors publish it, in a Python process of its own. One client is one policy with
 * its memory between decisions; questions are answered in order.
 */
export class PolluxPolicy {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: Interface;
  readonly #waiting: Waiting[] = [];
  #stderr = '';
  #ended = false;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    child.on('error', (error) => this.#end(error.message));
    child.on('exit', (code, signal) => this.#end(`it ended with ${code ?? signal}: ${this.#stderr}`));
    // Without this a question to a process that has just died would end ours.
    child.stdin.on('error', () => undefined);
  }

  /** Installs the policy if need be (PyPI, 20 s), then starts it. Throws with the reason when it cannot be installed. */
  static async start({ seed, fixedCluster }: PolluxOptions): Promise<PolluxPolicy> {
    await promisify(execFile)('bash', [`${HERE}pollux.sh`]).catch((error: Error & { stderr?: string }) => {
      throw new Error(`the Pollux policy cannot be installed: ${error.stderr ?? error.message}`);
    });
    const flags = ['--seed', String(seed), ...(fixedCluster ? ['--fixed-cluster'] : [])];
    const python = `${ROOT}.dev/venv-peers/bin/python`;
    // Its time is compared with that of one core.
    const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
    return new PolluxPolicy(
      spawn(python, [`${HERE}pollux_policy.py`, ...flags], { env, stdio: ['pipe', 'pipe', 'pipe'] }),
    );
  }

  async decide(
    jobs: readonly PolluxJob[],
    nodes: readonly PolluxNode[],
    allocations: Allocations,
  ): Promise<PolluxDecision> {
    return (await this.#ask({ ask: 'decide', jobs, nodes, allocations })) as PolluxDecision;
  }

  /** The authors' own fit: takes seconds for some hundred measurements. */
  async fit(measurements: Measurements): Promise<{ readonly perfParams: PerfParams; readonly seconds: number }> {
    return (await this.#ask({ ask: 'fit', measurements })) as { perfParams: PerfParams; seconds: number };
  }

  /** Lets the process end by itself, and ends it when it does not. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_WITHIN_MS);
    await exited;
    clearTimeout(impatience);
  }

  async #ask(question: object): Promise<object> {
    if (this.#ended) throw new Error(`the Pollux policy no longer runs: ${this.#stderr}`);
    const answer = await new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    });
    if (typeof answer !== 'object' || answer === null) throw new Error(`the Pollux policy answered ${String(answer)}`);
    if ('error' in answer) throw new Error(`the Pollux policy failed: ${String(answer.error)}`);
    return answer;
  }

  #end(reason: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the Pollux policy gave no answer: ${reason}`));
  }
}
