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

// kubectl finds its plugins on the PATH by their name, which has no ending.
const plugin = 'dist/kubectl-stepwise';
await build({ ...shared, entryPoints: ['src/cli/main.ts'], outfile: plugin });
await chmod(plugin, 0o755);
