import type { Scale } from './kube-client.ts';

/** autoscaling/v1 Scale, as the API server writes it: a zero is left out. */
export interface WireScale {
  metadata?: { resourceVersion?: string };
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

export function readScale(scale: WireScale): Scale {
  return {
    // `spec.replicas` is omitted when zero (Go omitempty): here absence does mean 0.
    replicas: scale.spec?.replicas ?? 0,
    observedReplicas: scale.status === undefined ? undefined : (scale.status.replicas ?? 0),
    selector: scale.status?.selector,
    resourceVersion: scale.metadata?.resourceVersion,
  };
}

export function scalePatch(to: { replicas: number; resourceVersion?: string | undefined }): object {
  if (!Number.isInteger(to.replicas) || to.replicas < 0) {
    throw new Error(`replicas must be a whole number of at least 0, not ${to.replicas}`);
  }
  return {
    ...(to.resourceVersion === undefined ? {} : { metadata: { resourceVersion: to.resourceVersion } }),
    spec: { replicas: to.replicas },
  };
}
