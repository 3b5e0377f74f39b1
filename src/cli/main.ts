#!/usr/bin/env node
// kubectl-stepwise: on the PATH under this name it is `kubectl stepwise`.

import { readFileSync } from 'node:fs';
import { endWhenNobodyReads } from './closed-pipe.ts';
import { runCommandLine } from './program.ts';

for (const stream of [process.stdout, process.stderr]) endWhenNobodyReads(stream, () => process.exit());

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: {
    write: (text) => process.stdout.write(text),
    readFile: (path) => readFileSync(path, 'utf8'),
    readInput: () => readFileSync(0, 'utf8'),
    nowSeconds: () => Date.now() / 1000,
  },
  writeError: (text) => process.stderr.write(text),
});
