import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { generatedFiles } from '../../tools/codegen/generate.ts';

const root = path.join(import.meta.dirname, '../..');

describe('generated files', () => {
  for (const [file, content] of generatedFiles()) {
    it(`${file} is what npm run generate writes`, () => {
      expect(
        readFileSync(path.join(root, file), 'utf8') === content,
        `run "npm run generate" and commit ${file}`,
      ).to.equal(true);
    });
  }

  it('crds holds nothing else', () => {
    const made = [...generatedFiles().keys()].filter((file) => file.startsWith('crds/'));
    expect(readdirSync(path.join(root, 'crds')).map((name) => `crds/${name}`)).to.have.members(made);
  });
});
