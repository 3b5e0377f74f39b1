// Builds from a copy of a module in which one file is another: for a program that would compile far more than is used.

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface FileChange {
  readonly goModule: string;
  readonly file: string;
  readonly text: string;
}

/** Makes the copy below `draft` and returns the flags that make `go build` in `module` use it. */
export function changeModule(change: FileChange, module: string, draft: string): string[] {
  const go = (...args: string[]) => execFileSync('go', args, { cwd: module, encoding: 'utf8' }).trim();
  go('mod', 'download', change.goModule);
  const original = go('list', '-mod=readonly', '-m', '-f', '{{.Dir}}', change.goModule);
  const copy = path.join(draft, 'source');
  cpSync(original, copy, { recursive: true });
  // The module cache is read-only, and so are its copies.
  for (const entry of [copy, ...globSync('**/*', { cwd: copy }).map((name) => path.join(copy, name))]) {
    chmodSync(entry, 0o755);
  }
  writeFileSync(path.join(copy, change.file), change.text);
  const modfile = path.join(draft, 'go.mod');
  cpSync(path.join(module, 'go.mod'), modfile);
  cpSync(path.join(module, 'go.sum'), path.join(draft, 'go.sum'));
  go('mod', 'edit', '-replace', `${change.goModule}=${copy}`, modfile);
  return [`-modfile=${modfile}`];
}
