import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
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

  for (const file of [...generatedFiles().keys()].filter((name) => name.startsWith('crds/'))) {
    it(`${file} says the same to kubectl, which reads YAML 1.1`, () => {
      const text = readFileSync(path.join(root, file), 'utf8');
      expect(parse(text, { version: '1.1' })).to.deep.equal(parse(text));
    });
  }

  it('crds holds nothing else', () => {
    const made = [...generatedFiles().keys()].filter((file) => file.startsWith('crds/'));
    expect(readdirSync(path.join(root, 'crds')).map((name) => `crds/${name}`)).to.have.members(made);
  });
});
