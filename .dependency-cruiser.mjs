// Who may import whom. The table is docs/design/0001-layers.md; this file is what CI checks.
const layers = {
  api: [],
  core: ['api'],
  ports: ['api', 'core'],
  kube: [],
  telemetry: [],
  adapters: ['api', 'core', 'ports', 'kube', 'telemetry'],
  controllers: ['api', 'core', 'ports', 'kube', 'telemetry'],
  simulator: ['api', 'core', 'ports', 'kube', 'controllers'],
  cli: ['api', 'core', 'kube', 'controllers'],
  operator: ['api', 'core', 'ports', 'kube', 'telemetry', 'adapters', 'controllers'],
};

const packageOwners = {
  '@kubernetes/client-node': ['kube'],
  winston: ['telemetry'],
  'prom-client': ['telemetry'],
  axios: ['adapters'],
  'fast-xml-parser': ['adapters'],
  zod: ['api', 'adapters', 'simulator'],
  commander: ['operator', 'cli'],
  'd3-scale': ['simulator'],
  'd3-shape': ['simulator'],
  highs: ['simulator'],
};

const layerRules = Object.entries(layers).map(([layer, allowed]) => ({
  name: `${layer}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^src/', pathNot: [layer, ...allowed].map((name) => `^src/${name}/`) },
}));

const packageRules = Object.entries(packageOwners).map(([name, owners]) => ({
  name: `${name.replaceAll(/[@/]/g, '-')}-belongs-to-${owners.join('-')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: owners.map((owner) => `^src/${owner}/`) },
  to: { path: `^node_modules/${name}/` },
}));

export default {
  forbidden: [
    ...layerRules,
    ...packageRules,
    {
      name: 'core-is-pure',
      comment: 'core has no npm package and no Node module',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core'] },
    },
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
