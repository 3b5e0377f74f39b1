// What a person sees while the cluster comes up: one line per thing done, with its seconds.

export type Report = (line: string) => void;

export const reportToTerminal: Report = (line) => console.log(line);

export const reportNothing: Report = () => undefined;

export async function timed<T>(report: Report, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  report(`  ${what} (${secondsSince(startedAt)} s)`);
  return result;
}

export function secondsSince(startedAtMilliseconds: number): string {
  return ((performance.now() - startedAtMilliseconds) / 1000).toFixed(1);
}
