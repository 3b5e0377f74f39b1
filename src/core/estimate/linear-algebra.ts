/** Dense algebra for the few parameters of a fit; matrices are arrays of rows. */

export type Vector = readonly number[];
export type Matrix = readonly Vector[];

export function dot(one: Vector, other: Vector): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

/** Lower triangular L with L·Lᵀ = `matrix`. Throws when the matrix is not positive definite. */
export function cholesky(matrix: Matrix): Matrix {
  const lower: number[][] = matrix.map((row) => row.map(() => 0));
  matrix.forEach((row, i) => {
    const target = lower[i] ?? [];
    for (let j = 0; j <= i; j++) {
      const other = lower[j] ?? [];
      const rest = (row[j] ?? 0) - dot(target.slice(0, j), other.slice(0, j));
      if (i === j && rest <= 0) throw new Error(`the matrix is not positive definite: pivot ${i} is ${rest}`);
      target[j] = i === j ? Math.sqrt(rest) : rest / (other[j] ?? 1);
    }
  });
  return lower;
}

/** Solves `matrix`·x = `right` for a positive definite matrix. */
export function solve(matrix: Matrix, right: Vector): number[] {
  const lower = cholesky(matrix);
  const forward: number[] = [];
  lower.forEach((row, i) => {
    forward[i] = ((right[i] ?? 0) - dot(row.slice(0, i), forward)) / (row[i] ?? 1);
  });
  const result: number[] = new Array(right.length).fill(0);
  for (let i = right.length - 1; i >= 0; i--) {
    let rest = forward[i] ?? 0;
    for (let j = i + 1; j < right.length; j++) rest -= (lower[j]?.[i] ?? 0) * (result[j] ?? 0);
    result[i] = rest / (lower[i]?.[i] ?? 1);
  }
  return result;
}

export function inverse(matrix: Matrix): Matrix {
  const columns = matrix.map((_, i) =>
    solve(
      matrix,
      matrix.map((__, j) => (i === j ? 1 : 0)),
    ),
  );
  return matrix.map((_, i) => columns.map((column) => column[i] ?? 0));
}
