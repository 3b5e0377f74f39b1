/** What is measured of one GPU, or of one instance of a GPU that is split (MIG), while a pod holds it. */
export interface GpuMeasurement {
  /** Of the whole device. */
  readonly device: string;
  readonly namespace: string;
  readonly pod: string;
  /** Of the device's energy that is this pod's, 0 to 1. */
  readonly share: number;
  /** Energy counter and power of the whole device; undefined when they are not told, or are not to be believed. */
  readonly joules: number | undefined;
  readonly watts: number | undefined;
}

/** Where the energy of GPUs is read. */
export interface GpuMeter {
  /**
   * The GPUs of all pods, in a number of queries that depends neither on jobs nor on GPUs. Throws when the source does not
   * answer or answers garbage; where no GPU is measured there are none.
   */
  readGpus(signal?: AbortSignal): Promise<readonly GpuMeasurement[]>;
}
