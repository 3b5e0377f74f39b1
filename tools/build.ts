import { build } from 'esbuild';

// One file per program: what the image carries, and what starts in a quarter of a second.
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

await build({
  entryPoints: {
    operator: 'src/operator/main.ts',
    // A thread of the operator, which looks for it beside itself.
    'planner-worker': 'src/adapters/planner/planner-worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  banner: { js: banner },
  logLevel: 'info',
});
