import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProviderType } from '../../api/energy-provider.ts';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isForbidden } from '../../kube/kube-error.ts';
import type { KubeObject, Resource } from '../../kube/resource.ts';
import { type EnergySignals, SignalError, type SignalQuestion } from '../../ports/energy-signals.ts';
import { readAzureConfigMap } from './azure-config-map.ts';
import { readCarbonAwareSdk } from './carbon-aware-sdk.ts';
import { readElectricityMaps } from './electricity-maps.ts';
import { readEnergyCharts } from './energy-charts.ts';
import { readEntsoE } from './entso-e.ts';
import { readGbCarbonIntensity } from './gb-carbon-intensity.ts';
import { readOctopusAgile } from './octopus-agile.ts';
import { readPromQl } from './prom-ql.ts';
import type { Reading, ReadProvider } from './reading.ts';
import { readReplayedCsv } from './replayed-csv.ts';
import { Service } from './service.ts';
import { readTariff } from './tariff.ts';
import { readWattTime } from './watt-time.ts';

const PROVIDERS: Readonly<Record<ProviderType, ReadProvider>> = {
  Tariff: readTariff,
  ConfigMap: readAzureConfigMap,
  PromQL: readPromQl,
  Csv: readReplayedCsv,
  ElectricityMaps: readElectricityMaps,
  WattTime: readWattTime,
  GbCarbonIntensity: readGbCarbonIntensity,
  EnergyCharts: readEnergyCharts,
  EntsoE: readEntsoE,
  OctopusAgile: readOctopusAgile,
  CarbonAwareSdk: readCarbonAwareSdk,
};

/** The strictest limit that is known of, that of Energy-Charts, is two requests a second. */
const SECONDS_BETWEEN_REQUESTS = 0.5;

export interface EnergyProvidersOptions {
  readonly client: Pick<KubeClient, 'get'>;
  /** Where queries in PromQL go that name no address; the administrator chose it, http or not. */
  readonly prometheus: {
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly bearerTokenFile?: string | undefined;
    readonly caFile?: string | undefined;
  };
  /** To one host. */
  readonly secondsBetweenRequests?: number;
}

type ConfigMapObject = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string> };
const CONFIG_MAPS: Resource<ConfigMapObject> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

/** What is shorter occurs in words by chance. */
const SECRET_LENGTH_MIN = 6;

/** Providers repeat in their refusals what they were sent, and messages end in status and log. */
function withoutSecrets(error: unknown, credentials: SignalQuestion['credentials']): unknown {
  if (!(error instanceof SignalError)) return error;
  const secrets = Object.values(credentials ?? {}).map((value) => value.trim());
  const told = secrets.filter((each) => each.length >= SECRET_LENGTH_MIN && error.message.includes(each));
  if (told.length === 0) return error;
  const message = told.reduce((text, secret) => text.replaceAll(secret, '…'), error.message);
  const { problem, retryAfterSeconds } = error;
  return new SignalError(problem, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

/** All providers behind one door, and what outlives a reading: sessions, credentials that worked, the pace of each host. */
export class EnergyProviders implements EnergySignals {
  readonly #options: EnergyProvidersOptions;
  readonly #sessions = new Map<string, string>();
  /** By source, the credentials with which it last answered. */
  readonly #worked = new Map<string, string>();
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: EnergyProvidersOptions) {
    this.#options = options;
  }

  async read(question: SignalQuestion): Promise<readonly SignalSlot[]> {
    const { name, spec, credentials } = question;
    const offered = JSON.stringify([spec.provider, credentials]);
    if (this.#worked.get(name) !== offered) this.#sessions.delete(name);
    const ca = await this.#certificateOf(question);
    const token = await this.#prometheusToken(question);
    const reading: Reading = {
      ...question,
      ...(token === undefined ? {} : { credentials: { ...credentials, token } }),
      sessions: this.#sessions,
      configMapText: (at) => this.#configMapText(at),
      serviceAt: (publishedUrl) =>
        new Service({
          url: this.#urlOf(question, publishedUrl),
          allowHttp: spec.connection.transport === 'AllowHttp' || this.#isOwnPrometheus(question),
          timeoutSeconds: spec.connection.timeoutSeconds,
          signal: question.signal,
          hasWorked: this.#worked.get(name) === offered,
          ca,
          headers: this.#isOwnPrometheus(question) ? this.#options.prometheus.headers : undefined,
          turn: (host) => this.#turn(host),
        }),
    };
    const slots = await PROVIDERS[spec.provider.type](reading).catch((error: unknown) => {
      throw withoutSecrets(error, reading.credentials);
    });
    this.#worked.set(name, offered);
    return slots;
  }

  #isOwnPrometheus({ spec }: SignalQuestion): boolean {
    return spec.provider.type === 'PromQL' && spec.connection.url === undefined;
  }

  #urlOf(question: SignalQuestion, publishedUrl: string | undefined): string {
    const url = question.spec.connection.url ?? publishedUrl;
    if (url !== undefined) return url;
    if (this.#isOwnPrometheus(question)) return this.#options.prometheus.url;
    const { type } = question.spec.provider;
    throw new SignalError('Misconfigured', `${type} has no published address: set spec.connection.url`);
  }

  async #certificateOf(question: SignalQuestion): Promise<Buffer | undefined> {
    const { caFile } = this.#options.prometheus;
    return caFile !== undefined && this.#isOwnPrometheus(question) ? readFile(caFile) : undefined;
  }

  /** Read anew each time, so that a rotated token is used. */
  async #prometheusToken(question: SignalQuestion): Promise<string | undefined> {
    const { bearerTokenFile } = this.#options.prometheus;
    if (bearerTokenFile === undefined || !this.#isOwnPrometheus(question)) return undefined;
    return (await readFile(bearerTokenFile, 'utf8')).trim();
  }

  async #configMapText(at: { namespace: string; name: string; key: string }): Promise<string> {
    const { namespace, name, key } = at;
    let found: ConfigMapObject | undefined;
    try {
      found = await this.#options.client.get(CONFIG_MAPS, { namespace, name });
    } catch (error) {
      const isRefused = isForbidden(error);
      const message = isRefused
        ? `not allowed to read ConfigMap ${namespace}/${name}: grant it to the operator`
        : `ConfigMap ${namespace}/${name} could not be read: ${error instanceof Error ? error.message : String(error)}`;
      throw new SignalError(isRefused ? 'Refused' : 'Unreachable', message, { cause: error });
    }
    if (found === undefined) throw new SignalError('NotFound', `ConfigMap ${namespace}/${name} does not exist`);
    const binary = found.binaryData?.[key];
    const text =
      found.data?.[key] ?? (binary === undefined ? undefined : Buffer.from(binary, 'base64').toString('utf8'));
    if (text === undefined) throw new SignalError('NotFound', `ConfigMap ${namespace}/${name} has no key ${key}`);
    return text;
  }

  /** Requests to a host go one after the other, so far apart as it allows. */
  #turn(host: string): Promise<void> {
    const seconds = this.#options.secondsBetweenRequests ?? SECONDS_BETWEEN_REQUESTS;
    const before = this.#turns.get(host) ?? Promise.resolve();
    this.#turns.set(
      host,
      before.then(() => delay(seconds * 1000)),
    );
    return before;
  }
}
