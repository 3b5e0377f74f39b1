import { chmod } from 'node:fs/promises';
import { type BuildOptions, build } from 'esbuild';

// One file per program: what the image carries, and what starts in a quarter of a second.
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const shared: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: banner },
  logLevel: 'info',
};

await build({
  ...shared,
  entryPoints: {
    operator: 'src/operator/main.ts',
    // A thread of the operator, which looks for it beside itself.
    'planner-worker': 'src/adapters/planner/planner-worker.ts',
  },
  outdir: 'dist',
  sourcemap: true,
});

// kubectl finds its plugins on the PATH by their name, which has no ending. Whatever node is there runs it: an old one
// would fail somewhere inside with a trace that tells nobody what to do.
const plugin = 'dist/kubectl-stepwise';
const needsNode24 =
  "if (parseInt(process.versions.node, 10) < 24) { console.error('error: kubectl-stepwise needs Node 24 or later; the node on the PATH is ' + process.version); process.exit(1); }";
await build({
  ...shared,
  banner: { js: `${banner}\n${needsNode24}` },
  entryPoints: ['src/cli/main.ts'],
  outfile: plugin,
});
await chmod(plugin, 0o755);
