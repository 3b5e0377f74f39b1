// The thread that plans: one request, one answer. What was judged of a job is remembered here between requests.
import { parentPort } from 'node:worker_threads';
import { planFleet } from '../../core/plan-fleet.ts';
import type { PlanAnswer, PlanRequest } from './plan-answer.ts';
import { SnapshotReceiver } from './snapshot-transfer.ts';

const receiver = new SnapshotReceiver();

function answer({ number, snapshot }: PlanRequest): PlanAnswer {
  try {
    return { number, plan: planFleet(receiver.snapshotOf(snapshot)) };
  } catch (error) {
    return { number, problem: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: PlanRequest) => parentPort?.postMessage(answer(request)));
