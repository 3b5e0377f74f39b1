/**
 * GPUs of one pool that nobody has reserved, over the time ahead: a step function of the seconds from now. More may be
 * taken than there are; then so many are missing.
 */
export class Timeline {
  /** Instants at which the number changes, ascending from 0, and the number from each of them on. */
  readonly #from: number[] = [0];
  readonly #free: number[];

  constructor(gpus: number) {
    this.#free = [gpus];
  }

  /** The first instant from which so many are free for so long; infinite when none comes. O(changes). */
  earliest(gpus: number, seconds: number): number {
    let start: number | undefined;
    for (let index = 0; index < this.#from.length; index++) {
      if ((this.#free[index] as number) < gpus) {
        start = undefined;
        continue;
      }
      start ??= this.#from[index] as number;
      if (start + seconds <= this.#endOf(index)) return start;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Whether so many are free from now on for so long. */
  isFreeNow(gpus: number, seconds: number): boolean {
    return this.earliest(gpus, seconds) === 0;
  }

  /** GPUs that are free now and will not be at some later instant. */
  get reservedLater(): number {
    return (this.#free[0] as number) - Math.min(...this.#free);
  }

  /** Takes so many for a span; a negative number gives them back. O(changes). */
  take(gpus: number, from: number, to: number): void {
    if (!(to > from)) return;
    const first = this.#cut(from);
    const end = to === Number.POSITIVE_INFINITY ? this.#from.length : this.#cut(to);
    for (let index = first; index < end; index++) this.#free[index] = (this.#free[index] as number) - gpus;
  }

  #endOf(index: number): number {
    return this.#from[index + 1] ?? Number.POSITIVE_INFINITY;
  }

  /** Index of the part that begins at the instant, made if need be. */
  #cut(at: number): number {
    let index = this.#from.length - 1;
    while (index > 0 && (this.#from[index] as number) > at) index--;
    if (this.#from[index] === at) return index;
    this.#from.splice(index + 1, 0, at);
    this.#free.splice(index + 1, 0, this.#free[index] as number);
    return index + 1;
  }
}
