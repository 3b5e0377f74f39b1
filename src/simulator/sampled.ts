/** Keeps at most so many of the values that come, evenly: when full, every other one is dropped and half as many taken. */
export class Sampled<Value> {
  readonly #limit: number;
  #values: Value[] = [];
  #stride = 1;
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: () => Value): void {
    const isTaken = this.#seen % this.#stride === 0;
    this.#seen += 1;
    if (!isTaken) return;
    if (this.#values.length >= this.#limit) {
      this.#values = this.#values.filter((_, index) => index % 2 === 0);
      this.#stride *= 2;
      if ((this.#seen - 1) % this.#stride !== 0) return;
    }
    this.#values.push(value());
  }

  get values(): readonly Value[] {
    return this.#values;
  }
}
