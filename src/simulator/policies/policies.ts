import type { PolicyName } from '../scenario.ts';
import type { Policy } from './policy.ts';
import { type OperatorKnowledge, stepwisePolicy } from './stepwise.ts';

/** All policies, by the name that a scenario gives. */
const POLICIES: Partial<Record<PolicyName, (knowledge: OperatorKnowledge) => Policy>> = {
  Stepwise: stepwisePolicy,
};

export function policyNamed(name: PolicyName, knowledge: OperatorKnowledge): Policy {
  const make = POLICIES[name];
  if (make === undefined) throw new Error(`policy ${name} is not there yet`);
  return make(knowledge);
}
