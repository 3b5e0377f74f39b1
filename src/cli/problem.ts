import { isKubeError, type KubeError } from '../kube/kube-error.ts';

/** What the process ends with; part of the contract, so that scripts can tell one from another. */
export const EXIT = {
  done: 0,
  defect: 1,
  badInput: 2,
  infeasible: 3,
  unreachable: 4,
  forbidden: 5,
  notFound: 6,
} as const;

/** Something that the user can mend; the message says how. */
export class Problem extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/** What to tell of an error, and what to end with. */
export function describeError(error: unknown): { readonly exitCode: number; readonly message: string } {
  if (error instanceof Problem) return error;
  if (isKubeError(error)) return describeKubeError(error);
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: EXIT.defect, message: `${message}\nThis is a defect of kubectl-stepwise: please report it.` };
}

function describeKubeError({ status, message }: KubeError): { readonly exitCode: number; readonly message: string } {
  if (status === 401) {
    const remedy = 'the server does not know who you are: renew the credentials of the kubeconfig context';
    return { exitCode: EXIT.forbidden, message: `${message}\n${remedy}` };
  }
  if (status === 403) {
    const remedy =
      'ask whoever administers the cluster for that right, or work without a cluster: plan -f FILE with the GPUPools in the file';
    return { exitCode: EXIT.forbidden, message: `${message}\n${remedy}` };
  }
  if (status === 404) {
    const remedy = 'if Stepwise is not installed in this cluster, install its CRDs first: kubectl apply -f crds/';
    return { exitCode: EXIT.notFound, message: `${message}\n${remedy}` };
  }
  if (status === undefined) {
    const remedy =
      'check the cluster with kubectl version, or choose another with --context or --kubeconfig; plan needs none when its file holds the GPUPools';
    return { exitCode: EXIT.unreachable, message: `the cluster cannot be reached: ${message}\n${remedy}` };
  }
  return { exitCode: EXIT.defect, message };
}
