// Builds the operator as `npm run build` does.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { repositoryDirectory } from '../settings.ts';

export async function buildOperator(): Promise<void> {
  const child = spawn(process.execPath, [path.join(repositoryDirectory, 'tools', 'build.ts')], {
    cwd: repositoryDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`the operator could not be built:\n${said.trim()}`);
}
