import type { CouplingTable } from './coupling-table.ts';

/** Option of a job that has none. */
export const NOT_PLACED = -1;

/** One option for each row of the table, and what they hold together. */
export class Choice {
  readonly table: CouplingTable;
  readonly options: Int32Array;
  readonly held: Float64Array;

  constructor(table: CouplingTable, options: Int32Array) {
    this.table = table;
    this.options = options;
    this.held = new Float64Array(table.limit.length);
    for (const option of options) this.#add(option, 1);
  }

  copy(): Choice {
    return new Choice(this.table, this.options.slice());
  }

  set(row: number, option: number): void {
    this.#add(this.options[row] as number, -1);
    this.#add(option, 1);
    this.options[row] = option;
  }

  /** Whether the row may take the option and every resource that it would use more of still suffices. */
  hasRoomFor(row: number, option: number): boolean {
    const { useStart, useResource, useAmount, ceiling } = this.table;
    const end = useStart[option + 1] as number;
    const before = this.options[row] as number;
    for (let use = useStart[option] as number; use < end; use++) {
      const resource = useResource[use] as number;
      const more = (useAmount[use] as number) - this.#amount(before, resource);
      if (more > 0 && (this.held[resource] as number) + more > (ceiling[resource] as number)) return false;
    }
    return true;
  }

  /** The resource that is exceeded by the largest share of its limit; undefined when everything fits. */
  mostExceeded(): number | undefined {
    let worst: number | undefined;
    let most = 0;
    for (let resource = 0; resource < this.held.length; resource++) {
      const excess = (this.held[resource] as number) - (this.table.ceiling[resource] as number);
      const share = excess / Math.max(this.table.limit[resource] as number, Number.MIN_VALUE);
      if (excess > 0 && share > most) {
        most = share;
        worst = resource;
      }
    }
    return worst;
  }

  /** Currency, of the jobs that are placed. */
  cost(): number {
    let sum = 0;
    for (const option of this.options) if (option !== NOT_PLACED) sum += this.table.cost[option] as number;
    return sum;
  }

  unplaced(): number {
    let count = 0;
    for (const option of this.options) if (option === NOT_PLACED) count++;
    return count;
  }

  /** Whether this choice places more jobs than the other, or as many at less cost. */
  isBetterThan(other: Choice): boolean {
    const fewer = other.unplaced() - this.unplaced();
    return fewer === 0 ? this.cost() < other.cost() : fewer > 0;
  }

  #amount(option: number, resource: number): number {
    if (option === NOT_PLACED) return 0;
    const { useStart, useResource, useAmount } = this.table;
    const end = useStart[option + 1] as number;
    let sum = 0;
    for (let use = useStart[option] as number; use < end; use++) {
      if (useResource[use] === resource) sum += useAmount[use] as number;
    }
    return sum;
  }

  #add(option: number, sign: 1 | -1): void {
    if (option === NOT_PLACED) return;
    const { useStart, useResource, useAmount } = this.table;
    const end = useStart[option + 1] as number;
    for (let use = useStart[option] as number; use < end; use++) {
      const resource = useResource[use] as number;
      this.held[resource] = (this.held[resource] as number) + sign * (useAmount[use] as number);
    }
  }
}
