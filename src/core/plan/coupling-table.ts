/** One thing that an option holds while it runs: workers' GPUs or nodes of a pool, or a rate of money of a budget. */
export interface Use {
  /** Index into the limits. */
  readonly resource: number;
  /** In the limit's own unit, not negative. */
  readonly amount: number;
}

/** One of the things that a job may do. */
export interface CouplingOption {
  /** Currency for the rest of the job, everything included: rent, energy, switching, lateness at its price. */
  readonly cost: number;
  /** Empty for an option that waits. */
  readonly uses: readonly Use[];
}

export interface CouplingJob {
  /** Unique. Breaks ties, so that the order in which jobs are given changes nothing. */
  readonly key: string;
  readonly options: readonly CouplingOption[];
}

/**
 * Jobs, options and uses as flat arrays, jobs in the order of their keys. Option `o` of job `j` lies in
 * `start[j] ≤ o < start[j + 1]`, its uses in `useStart[o] ≤ u < useStart[o + 1]`.
 */
export interface CouplingTable {
  readonly jobCount: number;
  /** For each row of the table, the job's place in the input. */
  readonly place: Int32Array;
  readonly start: Int32Array;
  readonly cost: Float64Array;
  readonly useStart: Int32Array;
  readonly useResource: Int32Array;
  readonly useAmount: Float64Array;
  /** What each resource has; +Infinity where nothing limits it. */
  readonly limit: Float64Array;
  /** `limit` and what rounding may add to a sum of its size. */
  readonly ceiling: Float64Array;
}

/** Sums of some thousand doubles are off by less than this share. */
const ROUNDING = 1e-9;

/** @throws when a cost, an amount or a limit is no number that can be planned with. */
export function tabulate(jobs: readonly CouplingJob[], limits: readonly number[]): CouplingTable {
  const rows = jobs.map(({ key }, place) => ({ key, place }));
  rows.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.place - other.place));
  let optionCount = 0;
  let useCount = 0;
  for (const { options } of jobs) {
    optionCount += options.length;
    for (const { uses } of options) useCount += uses.length;
  }
  const limit = Float64Array.from(limits, (value, index) => checkedLimit(value, index));
  const table = {
    jobCount: jobs.length,
    place: Int32Array.from(rows, ({ place }) => place),
    start: new Int32Array(jobs.length + 1),
    cost: new Float64Array(optionCount),
    useStart: new Int32Array(optionCount + 1),
    useResource: new Int32Array(useCount),
    useAmount: new Float64Array(useCount),
    limit,
    ceiling: limit.map((value) => value + ROUNDING * Math.max(1, value)),
  };
  fill(table, jobs);
  return table;
}

function fill(table: CouplingTable, jobs: readonly CouplingJob[]): void {
  let option = 0;
  let use = 0;
  for (let row = 0; row < table.jobCount; row++) {
    const job = jobs[table.place[row] as number] as CouplingJob;
    for (const { cost, uses } of job.options) {
      if (!Number.isFinite(cost))
        throw new RangeError(`an option of ${job.key} costs ${cost}; a finite cost is needed`);
      table.cost[option] = cost;
      for (const { resource, amount } of uses) {
        if (!(amount >= 0 && amount < Number.POSITIVE_INFINITY && table.limit[resource] !== undefined)) {
          throw new RangeError(`an option of ${job.key} uses ${amount} of resource ${resource}; a known one is needed`);
        }
        table.useResource[use] = resource;
        table.useAmount[use++] = amount;
      }
      table.useStart[++option] = use;
    }
    table.start[row + 1] = option;
  }
}

function checkedLimit(value: number, index: number): number {
  if (Number.isNaN(value)) throw new RangeError(`the limit of resource ${index} is unknown; a number is needed`);
  // More may be in use than there is, when nodes have been lost: then nothing is free.
  return Math.max(0, value);
}

/** What option `option` holds of a resource. */
export function amountOf(table: CouplingTable, option: number, resource: number): number {
  let sum = 0;
  const end = table.useStart[option + 1] as number;
  for (let use = table.useStart[option] as number; use < end; use++) {
    if (table.useResource[use] === resource) sum += table.useAmount[use] as number;
  }
  return sum;
}

/** What an option holds, at the given price of each resource. */
export function rent(table: CouplingTable, prices: Float64Array, option: number): number {
  let sum = 0;
  const end = table.useStart[option + 1] as number;
  for (let use = table.useStart[option] as number; use < end; use++) {
    sum += (prices[table.useResource[use] as number] as number) * (table.useAmount[use] as number);
  }
  return sum;
}
