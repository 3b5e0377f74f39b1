// The control group under which all pods of the real node live, so that they end with it.

import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cgroupName } from './real-node-places.ts';

const mount = '/sys/fs/cgroup';
const isUnified = () => existsSync(path.join(mount, 'cgroup.controllers'));

// cgroup v1 has one tree per controller (some are links to another); v2 has one for all.
function trees(): string[] {
  if (isUnified()) return [mount];
  return readdirSync(mount, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(mount, entry.name));
}

export function ensureCgroup(): void {
  for (const tree of trees()) mkdirSync(path.join(tree, cgroupName), { recursive: true });
  if (!isUnified()) return;
  const controllers = readFileSync(path.join(mount, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
  const all = controllers.map((name) => `+${name}`).join(' ');
  writeFileSync(path.join(mount, 'cgroup.subtree_control'), all);
}

/** Ends every process of the pods; none of them is anything but ours, because the group is. */
export function killCgroup(): void {
  for (const file of trees().flatMap((tree) => globSync(path.join(tree, cgroupName, '**/cgroup.procs')))) {
    for (const pid of readFileSync(file, 'utf8').trim().split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended in between.
      }
    }
  }
}

/** Removes the groups, deepest first; false while one still holds a dying process. */
export function removeCgroup(): boolean {
  const tops = trees().map((tree) => path.join(tree, cgroupName));
  const folders = tops.flatMap((top) => globSync(path.join(top, '**/'))).map((folder) => path.resolve(folder));
  for (const folder of [...new Set(folders)].sort((a, b) => b.length - a.length)) {
    try {
      rmdirSync(folder);
    } catch {
      // Still busy; the caller asks again.
    }
  }
  return tops.every((top) => !existsSync(top));
}
