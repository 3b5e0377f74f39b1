import { expect } from 'chai';
import { CUSTOM_RESOURCES } from '../../../src/api/resources.ts';
import { conditionSchema } from '../../../src/api/status-parts.ts';

describe('conditions', () => {
  for (const { names, conditions } of CUSTOM_RESOURCES) {
    for (const [type, { meaning, reasons }] of Object.entries(conditions)) {
      describe(`${names.kind} ${type}`, () => {
        it('has a meaning and reasons that say which status they give', () => {
          expect(meaning).to.match(/\.$/);
          expect(Object.keys(reasons).length).to.be.greaterThan(1);
          for (const text of Object.values(reasons)) expect(text).to.match(/^(True|False|Unknown): .+\.$/);
        });

        it('has reasons that the status admits', () => {
          for (const reason of Object.keys(reasons)) {
            const condition = { type, status: 'True', reason, message: '', lastTransitionTime: '2026-11-23T12:00:00Z' };
            expect(conditionSchema.safeParse(condition).success, reason).to.equal(true);
          }
        });
      });
    }
  }

  it('of one kind fit in the status', () => {
    for (const { conditions } of CUSTOM_RESOURCES) expect(Object.keys(conditions).length).to.be.at.most(20);
  });
});
