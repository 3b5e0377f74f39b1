/**
 * Dense algebra for the few parameters of a fit. Matrices are square, symmetric where not said otherwise, and flat: row
 * after row.
 */

/** Lower triangular L with L·Lᵀ = `matrix`. Throws when the matrix is not positive definite. */
export function cholesky(matrix: ArrayLike<number>, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = (matrix[i * size + j] ?? Number.NaN) - dotOfRows(lower, size, i, j);
      if (i !== j) {
        lower[i * size + j] = rest / (lower[j * size + j] ?? 1);
      } else if (rest > 0) {
        lower[i * size + i] = Math.sqrt(rest);
      } else {
        throw new Error(`the matrix is not positive definite: pivot ${i} is ${rest}`);
      }
    }
  }
  return lower;
}

/** Product of rows i and j of L up to column j. */
function dotOfRows(lower: Float64Array, size: number, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < j; k++) sum += (lower[i * size + k] ?? 0) * (lower[j * size + k] ?? 0);
  return sum;
}

/** x of L·Lᵀ·x = `right`. */
export function solve(lower: Float64Array, right: ArrayLike<number>): Float64Array {
  const size = right.length;
  const result = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let rest = right[i] ?? Number.NaN;
    for (let k = 0; k < i; k++) rest -= (lower[i * size + k] ?? 0) * (result[k] ?? 0);
    result[i] = rest / (lower[i * size + i] ?? 1);
  }
  for (let i = size - 1; i >= 0; i--) {
    let rest = result[i] ?? 0;
    for (let k = i + 1; k < size; k++) rest -= (lower[k * size + i] ?? 0) * (result[k] ?? 0);
    result[i] = rest / (lower[i * size + i] ?? 1);
  }
  return result;
}

/** Inverse of L·Lᵀ. */
export function inverse(lower: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  const unit = new Float64Array(size);
  for (let column = 0; column < size; column++) {
    unit.fill(0);
    unit[column] = 1;
    result.set(solve(lower, unit), column * size);
  }
  return result;
}
