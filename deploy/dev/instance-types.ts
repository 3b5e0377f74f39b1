// The machines that Karpenter can rent here, in the form its KWOK provider reads.
// Prices: on demand, us-east-1, USD an hour for the whole machine.

interface GpuMachine {
  readonly name: string;
  readonly cpus: number;
  readonly memoryGibibytes: number;
  readonly gpus: number;
  readonly usdPerHour: number;
}

const machines: readonly GpuMachine[] = [
  { name: 'g4dn.xlarge', cpus: 4, memoryGibibytes: 16, gpus: 1, usdPerHour: 0.526 }, // T4
  { name: 'g4dn.12xlarge', cpus: 48, memoryGibibytes: 192, gpus: 4, usdPerHour: 3.912 }, // 4 × T4
  { name: 'p3.2xlarge', cpus: 8, memoryGibibytes: 61, gpus: 1, usdPerHour: 3.06 }, // V100, 16 GB
  { name: 'p3.8xlarge', cpus: 32, memoryGibibytes: 244, gpus: 4, usdPerHour: 12.24 }, // 4 × V100
  { name: 'p4d.24xlarge', cpus: 96, memoryGibibytes: 1152, gpus: 8, usdPerHour: 21.957642 }, // 8 × A100, 40 GB
];

export const instanceTypes = machines.map((machine) => ({
  name: machine.name,
  architecture: 'amd64',
  operatingSystems: ['linux'],
  resources: {
    cpu: String(machine.cpus),
    memory: `${machine.memoryGibibytes}Gi`,
    'ephemeral-storage': '200Gi',
    pods: '110',
    'nvidia.com/gpu': String(machine.gpus),
  },
  offerings: [
    {
      Price: machine.usdPerHour,
      Available: true,
      Requirements: [
        { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
        { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['us-east-1a'] },
      ],
    },
  ],
}));
