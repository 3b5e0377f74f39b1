import { readFileSync } from 'node:fs';
import type { Cluster } from '../../src/cli/cluster.ts';
import { runCommandLine } from '../../src/cli/program.ts';

export interface Said {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

/** The instant at which commands are tried: 2026-01-01T00:00:00Z. */
const NOW_SECONDS = Date.UTC(2026, 0, 1) / 1000;

/** What a command line says and ends with. Without a cluster none can be opened. */
export async function say(
  words: readonly string[],
  around: { readonly input?: string; readonly cluster?: Partial<Cluster> } = {},
): Promise<Said> {
  let output = '';
  let error = '';
  const exitCode = await runCommandLine(words, {
    terminal: {
      write: (text) => {
        output += text;
      },
      readFile: (path) => readFileSync(path, 'utf8'),
      readInput: () => around.input ?? '',
      nowSeconds: () => NOW_SECONDS,
    },
    writeError: (text) => {
      error += text;
    },
    open: () => {
      if (around.cluster === undefined) throw new Error('the command was not to open a cluster');
      const nothing = async () => ({ pools: [], policies: [], profiles: [] });
      return { namespace: 'team', surroundings: nothing, close: () => undefined, ...around.cluster } as Cluster;
    },
  });
  return { exitCode, output, error };
}
