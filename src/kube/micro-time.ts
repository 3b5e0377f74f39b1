/** metav1.MicroTime has exactly six decimals; the clock gives three. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
