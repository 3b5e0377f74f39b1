import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { API_GROUP } from '../../src/api/group.ts';
import { CUSTOM_RESOURCES } from '../../src/api/resources.ts';
import { apiPage } from './api-page.ts';
import { crdFor } from './crd.ts';
import { GENERATED_NOTE } from './markdown.ts';
import { trainerProtocolPage } from './trainer-protocol-page.ts';

/** Every generated file by its path from the root of the repository. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const resource of CUSTOM_RESOURCES) {
    // kubectl reads YAML 1.1, in which Off is a boolean unless it is quoted.
    const body = stringify(crdFor(resource), { version: '1.1', lineWidth: 120, aliasDuplicateObjects: false });
    files.set(`crds/${API_GROUP}_${resource.names.plural}.yaml`, `# ${GENERATED_NOTE}\n${body}`);
  }
  files.set('docs/reference/api.md', apiPage(CUSTOM_RESOURCES));
  files.set('docs/reference/trainer-protocol.md', trainerProtocolPage());
  return files;
}

/** Writes all generated files below `root` and removes CRDs of kinds that are no more. */
export async function generate(root: string): Promise<void> {
  const files = generatedFiles();
  await mkdir(join(root, 'crds'), { recursive: true });
  await mkdir(join(root, 'docs/reference'), { recursive: true });
  for (const [path, content] of files) await writeFile(join(root, path), content);
  for (const name of await readdir(join(root, 'crds'))) {
    if (!files.has(`crds/${name}`)) await rm(join(root, 'crds', name));
  }
}

if (import.meta.main) await generate(join(import.meta.dirname, '../..'));
