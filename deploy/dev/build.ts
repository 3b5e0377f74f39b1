// Builds the programs of the local cluster once per machine: `npx node deploy/dev/build.ts [NAME…]`.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { changeModule } from './changed-module.ts';
import { withFileLock } from './file-lock.ts';
import { type Report, reportToTerminal, timed } from './progress.ts';
import { cacheDirectory } from './settings.ts';
import { linkerFlags, type Tool, type ToolName, toolNamed, tools } from './tool-list.ts';

// A cold build of everything takes minutes on two cores; another run may be in the middle of it.
const lockWaitSeconds = 3600;

export function toolPath(name: ToolName): string {
  return path.join(cacheDirectory, 'tools', hashOf(toolNamed(name)), name);
}

/** Folders, beside the program, that hold the files of its own source which it needs at run time. */
export function toolSourceFiles(name: ToolName): string[] {
  const folders = toolNamed(name).sourceFiles?.folders ?? [];
  return folders.map((folder) => path.join(`${toolPath(name)}-files`, folder));
}

export async function buildTools(names: readonly ToolName[], report: Report = reportToTerminal): Promise<void> {
  const missing = () => names.filter((name) => !existsSync(toolPath(name)));
  if (missing().length === 0) return;
  requireGo();
  await withFileLock(
    { path: path.join(cacheDirectory, 'build.lock'), waitSeconds: lockWaitSeconds, report },
    async () => {
      // Asked again: whoever held the lock may have built them.
      const toBuild = missing();
      for (const [index, name] of toBuild.entries()) {
        report(`  building ${name} (${index + 1} of ${toBuild.length}) …`);
        await timed(report, `built ${name}`, () => build(toolNamed(name)));
      }
    },
  );
}

async function build(tool: Tool): Promise<void> {
  const target = toolPath(tool.name as ToolName);
  mkdirSync(path.dirname(target), { recursive: true });
  // Built aside and renamed, so that a broken build never looks like a finished one.
  const draft = mkdtempSync(path.join(path.dirname(target), '.build-'));
  try {
    const changed = tool.change === undefined ? [] : changeModule(tool.change, tool.module, draft);
    await runGo(tool, [...changed, '-o', path.join(draft, tool.name)]);
    copySourceFiles(tool, target);
    renameSync(path.join(draft, tool.name), target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function runGo(tool: Tool, ownFlags: readonly string[]): Promise<void> {
  const flags = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags, ...ownFlags];
  const child = spawn('go', [...flags, tool.package], {
    cwd: tool.module,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`go could not build ${tool.name} from ${tool.package}:\n${complaint}`);
}

// Copied, because the module cache they come from may be emptied while the built program stays.
function copySourceFiles(tool: Tool, target: string): void {
  if (tool.sourceFiles === undefined) return;
  const { goModule, folders } = tool.sourceFiles;
  const args = ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', goModule];
  const source = execFileSync('go', args, { cwd: tool.module, encoding: 'utf8' }).trim();
  rmSync(`${target}-files`, { recursive: true, force: true });
  for (const folder of folders) {
    for (const file of globSync('**/*.yaml', { cwd: path.join(source, folder) })) {
      const copy = path.join(`${target}-files`, folder, file);
      mkdirSync(path.dirname(copy), { recursive: true });
      writeFileSync(copy, readFileSync(path.join(source, folder, file)));
    }
  }
}

function requireGo(): void {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
  } catch (error) {
    throw new Error('the local cluster is built from source: install Go 1.26 or newer (https://go.dev/dl)', {
      cause: error,
    });
  }
}

const hashes = new Map<string, string>();

// Names everything that decides what is built, so that a changed version is never taken for the old one.
function hashOf(tool: Tool): string {
  const known = hashes.get(tool.name);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(linkerFlags).update(process.platform).update(process.arch);
  hash.update(JSON.stringify(tool.change ?? null));
  const ownSource = tool.package.startsWith('./') ? globSync(`${tool.package}/*.go`, { cwd: tool.module }).sort() : [];
  for (const file of ['go.mod', 'go.sum', ...ownSource]) {
    hash.update(file).update(readFileSync(path.join(tool.module, file)));
  }
  const text = hash.digest('hex').slice(0, 16);
  hashes.set(tool.name, text);
  return text;
}

if (import.meta.main) {
  const known = Object.keys(tools) as ToolName[];
  const asked = process.argv.slice(2) as ToolName[];
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`unknown tool ${unknown.join(', ')}; known are ${known.join(', ')}`);
  await buildTools(asked.length > 0 ? asked : known);
  for (const name of asked.length > 0 ? asked : known) console.log(`${name}\t${toolPath(name)}`);
}
