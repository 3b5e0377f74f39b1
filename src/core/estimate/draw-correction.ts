import { cholesky, solve } from './linear-algebra.ts';
import type { StepTimeFit } from './step-time-fit.ts';
import { emptyParts, FITTED, forEachTiming } from './step-time-residuals.ts';

/** One or two bring nearly every draw within the errors of measurement. */
const MAX_STEPS = 6;
/** A longer step is more than the derivatives can bear. */
const MAX_LOG_STEP = 2;
const MAX_HALVINGS = 3;

/** One place and what it makes of the measured times. */
interface Place {
  readonly logs: Float64Array;
  /** How far each residual is from the one that the draw should have. */
  readonly excess: Float64Array;
  /** Timings × `FITTED`. */
  readonly slopes: Float64Array;
  /** Largest excess, squared and in units of the error of measurement. */
  worst: number;
}

/**
 * Leads a draw to parameters near it, as the prior measures distances, that leave the measured times the residuals which
 * the draw should have: by steps of
 *
 *     P·Gᵀ·(G·P·Gᵀ + R)⁻¹·excess
 *
 * with the prior's covariance P, the derivatives G and the variances of measurement R, as in the iterative ensemble
 * Kalman filter (Gu & Oliver 2007, SPE Journal 12, 438). The posterior's covariance will not do for P: it leads only
 * along the line by which the draw has left the curve, back to the middle.
 *
 * Cost of a step: about 64 × timings + 4 × timings² + timings³/6 multiplications.
 */
export class DrawCorrection {
  readonly #fit: StepTimeFit;
  readonly #parts = emptyParts();
  /** P·Gᵀ, timing after timing: where the prior lets each of them lead. */
  readonly #ways: Float64Array;
  readonly #inner: Float64Array;
  #now: Place;
  #next: Place;

  constructor(fit: StepTimeFit) {
    const count = fit.timings.length;
    this.#fit = fit;
    this.#ways = new Float64Array(count * FITTED);
    this.#inner = new Float64Array(count * count);
    this.#now = emptyPlace(count);
    this.#next = emptyPlace(count);
  }

  /** Changes the logarithms of a draw in place, never for the worse. `residuals` in the order of the fit's timings. */
  correct(draw: Float64Array, residuals: Float64Array): void {
    this.#now.logs.set(draw);
    this.#look(this.#now, residuals);
    // From where a time is no number nothing leads back.
    for (let step = 0; step < MAX_STEPS && this.#now.worst > 1 && this.#now.worst < Infinity; step++) {
      this.#step();
      this.#look(this.#next, residuals);
      for (let halving = 0; halving < MAX_HALVINGS && !this.#isBetter(); halving++) {
        const { logs } = this.#next;
        for (let i = 0; i < FITTED; i++) logs[i] = ((logs[i] ?? 0) + (this.#now.logs[i] ?? 0)) / 2;
        this.#look(this.#next, residuals);
      }
      if (!this.#isBetter()) break;
      [this.#now, this.#next] = [this.#next, this.#now];
    }
    draw.set(this.#now.logs);
  }

  #isBetter(): boolean {
    return this.#next.worst < this.#now.worst;
  }

  #look(place: Place, residuals: Float64Array): void {
    const { timings, points } = this.#fit;
    let at = 0;
    place.worst = 0;
    forEachTiming(points, place.logs, this.#parts, (residual, slopes) => {
      const excess = residual - (residuals[at] ?? 0);
      place.excess[at] = excess;
      place.slopes.set(slopes, at * FITTED);
      place.worst = Math.max(place.worst, excess ** 2 / (timings[at]?.variance ?? Number.NaN));
      at++;
    });
  }

  /** From where it is now to `#next`. */
  #step(): void {
    const lengths = this.#lengths();
    for (let i = 0; i < FITTED; i++) {
      let step = 0;
      for (let t = 0; t < lengths.length; t++) step += (lengths[t] ?? 0) * (this.#ways[t * FITTED + i] ?? 0);
      this.#next.logs[i] = (this.#now.logs[i] ?? 0) + Math.max(-MAX_LOG_STEP, Math.min(MAX_LOG_STEP, step));
    }
  }

  /** How far to go on the way of each timing. */
  #lengths(): Float64Array {
    const { excess, slopes } = this.#now;
    const { priorCovariance, timings } = this.#fit;
    const count = timings.length;
    for (let t = 0; t < count; t++) {
      for (let i = 0; i < FITTED; i++) this.#ways[t * FITTED + i] = product(priorCovariance, i, slopes, t);
    }
    for (let t = 0; t < count; t++) {
      // No more than the lower triangle is read.
      for (let u = 0; u < t; u++) this.#inner[t * count + u] = product(slopes, t, this.#ways, u);
      this.#inner[t * count + t] = product(slopes, t, this.#ways, t) + (timings[t]?.variance ?? Number.NaN);
    }
    return solve(cholesky(this.#inner, count), excess);
  }
}

function emptyPlace(timings: number): Place {
  return {
    logs: new Float64Array(FITTED),
    excess: new Float64Array(timings),
    slopes: new Float64Array(timings * FITTED),
    worst: 0,
  };
}

/** Of a row of one matrix and a row of another. */
function product(one: Float64Array, row: number, other: Float64Array, otherRow: number): number {
  let sum = 0;
  for (let k = 0; k < FITTED; k++) sum += (one[row * FITTED + k] ?? 0) * (other[otherRow * FITTED + k] ?? 0);
  return sum;
}
