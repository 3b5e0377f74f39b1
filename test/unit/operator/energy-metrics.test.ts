import { expect } from 'chai';
import { showEnergySources } from '../../../src/operator/energy-metrics.ts';
import { OperatorMetrics } from '../../../src/telemetry/operator-metrics.ts';
import { anEnergySource } from '../../support/an-energy-source.ts';

describe('the metrics of energy sources', () => {
  const metrics = new OperatorMetrics();
  const show = async (...sources: Parameters<typeof showEnergySources>[1]) => {
    showEnergySources(metrics, sources);
    const page = await metrics.registry.metrics();
    return page.split('\n').filter((line) => line.startsWith('stepwise_energy_'));
  };

  it('show what is known', async () => {
    const status = {
      unit: 'gCO2e/kWh',
      current: { value: '142.5', from: '2026-03-02T10:00:00Z', to: '2026-03-02T10:30:00Z' },
      lastReadTime: '2026-03-02T10:10:00Z',
      knownUntil: '2026-03-04T10:00:00Z',
      expectedGainPercent: 20,
      lastError: { reason: 'Throttled', message: 'asked too often', failures: 3 },
    };
    expect(await show(anEnergySource({ name: 'gb', status }))).to.have.members([
      'stepwise_energy_signal{source="gb",signal="CarbonIntensity",unit="gCO2e/kWh"} 142.5',
      `stepwise_energy_read_timestamp_seconds{source="gb"} ${Date.parse('2026-03-02T10:10:00Z') / 1000}`,
      `stepwise_energy_known_until_timestamp_seconds{source="gb"} ${Date.parse('2026-03-04T10:00:00Z') / 1000}`,
      'stepwise_energy_expected_gain_ratio{source="gb"} 0.2',
      'stepwise_energy_read_failures{source="gb"} 3',
    ]);
  });

  it('show nothing of what is unknown, or gone', async () => {
    expect(await show(anEnergySource({ name: 'new' }))).to.deep.equal([]);
    expect(await show()).to.deep.equal([]);
  });
});
