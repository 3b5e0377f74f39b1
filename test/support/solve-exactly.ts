import type { Highs } from 'highs';
import module from 'highs';

export type { Highs } from 'highs';

// The package's types describe its CommonJS form; what Node imports is the loader itself.
const load = module as unknown as () => Promise<Highs>;

let loaded: Promise<Highs> | undefined;

/** The solver that our own choices are measured against. Loaded once. */
export function highs(): Promise<Highs> {
  loaded ??= load();
  return loaded;
}

/** A row of a model: Σ coefficient × variable, between its bounds. */
export interface Row {
  readonly lower: number;
  readonly upper: number;
  readonly terms: readonly (readonly [variable: number, coefficient: number])[];
}

/** From 0 up. */
export interface Variable {
  readonly cost: number;
  readonly upper: number;
  readonly integer: boolean;
}

export interface Solution {
  readonly cost: number;
  /** What the solver proved: no solution costs less. */
  readonly bound: number;
  readonly values: readonly number[];
}

/** Minimises a linear or mixed-integer model. Undefined when none was found within the limits. */
export function minimise(
  solver: Highs,
  variables: readonly Variable[],
  rows: readonly Row[],
  { relativeGap = 1e-6, seconds = 60 } = {},
): Solution | undefined {
  const { continuous, integer } = solver.constants.variableType;
  const isMixed = variables.some((variable) => variable.integer);
  const starts = [0];
  for (const { terms } of rows) starts.push((starts.at(-1) ?? 0) + terms.length);
  const model = solver.createModel({
    numCols: variables.length,
    numRows: rows.length,
    sense: solver.constants.objectiveSense.minimize,
    offset: 0,
    colCost: variables.map(({ cost }) => cost),
    colLower: variables.map(() => 0),
    colUpper: variables.map(({ upper }) => upper),
    rowLower: rows.map(({ lower }) => lower),
    rowUpper: rows.map(({ upper }) => upper),
    matrix: {
      format: 'csr',
      numRows: rows.length,
      numCols: variables.length,
      starts,
      indices: rows.flatMap(({ terms }) => terms.map(([variable]) => variable)),
      values: rows.flatMap(({ terms }) => terms.map(([, coefficient]) => coefficient)),
    },
    ...(isMixed ? { integrality: variables.map((variable) => (variable.integer ? integer : continuous)) } : {}),
  });
  try {
    model.options.set({ output_flag: false, mip_rel_gap: relativeGap, time_limit: seconds });
    const { modelStatus } = model.run();
    const { optimal, timeLimit } = solver.constants.modelStatus;
    if (modelStatus !== optimal && modelStatus !== timeLimit) return undefined;
    const cost = model.getObjectiveValue();
    if (!Number.isFinite(cost)) return undefined;
    return {
      cost,
      bound: isMixed ? Number(model.info.get('mip_dual_bound')) : cost,
      values: [...model.getSolution().colValue],
    };
  } finally {
    model.dispose();
  }
}
