// Images without a registry: an OCI layout of one busybox layer, imported straight into containerd.

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { places, sandboxImage, trainerImage } from './real-node-places.ts';
import { runHost } from './shell.ts';

// Where trainer pods mount the host's Python and their own files; a mount needs its point to exist.
const mountPoints = ['usr', 'lib', 'lib64', 'etc/alternatives', 'etc/stepwise', 'checkpoints', 'workspace'];
const systemFolders = ['bin', 'dev', 'proc', 'sys', 'root', 'run', 'tmp', 'var/tmp'];
const smallFiles: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

export function importImages(): void {
  const draft = mkdtempSync(path.join(places.dataDirectory, 'image-'));
  try {
    const layer = buildLayer(draft);
    const layout = path.join(draft, 'layout');
    const images = [
      { name: trainerImage, config: { Cmd: ['/bin/sh'] } },
      // The sandbox only holds the pod's namespaces open.
      { name: sandboxImage, config: { Entrypoint: ['/bin/sleep', 'infinity'] } },
    ];
    writeLayout(layout, layer, images);
    runHost('tar', ['-C', layout, '-cf', places.image, '.']);
    runHost('ctr', ['-a', places.containerdSocket, '-n', 'k8s.io', 'images', 'import', places.image]);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function buildLayer(draft: string): Buffer {
  const root = path.join(draft, 'root');
  for (const folder of [...mountPoints, ...systemFolders]) mkdirSync(path.join(root, folder), { recursive: true });
  for (const [file, text] of Object.entries(smallFiles)) writeFileSync(path.join(root, file), text);
  cpSync('/bin/busybox', path.join(root, 'bin/busybox'), { dereference: true });
  const applets = runHost('/bin/busybox', ['--list']).trim().split('\n');
  for (const name of applets) {
    if (name !== 'busybox') symlinkSync('/bin/busybox', path.join(root, 'bin', name));
  }
  const tar = path.join(draft, 'layer.tar');
  runHost('tar', ['-C', root, '--owner=0', '--group=0', '--mtime=@0', '--sort=name', '-cf', tar, '.']);
  return readFileSync(tar);
}

interface Image {
  readonly name: string;
  readonly config: object;
}

function writeLayout(layout: string, layer: Buffer, images: readonly Image[]): void {
  const blobs = path.join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const add = (mediaType: string, content: Buffer) => {
    const digest = createHash('sha256').update(content).digest('hex');
    writeFileSync(path.join(blobs, digest), content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const addJson = (mediaType: string, value: object) => add(mediaType, Buffer.from(JSON.stringify(value)));
  const layerEntry = add('application/vnd.oci.image.layer.v1.tar', layer);
  const manifests = images.map(({ name, config }) => {
    const configEntry = addJson('application/vnd.oci.image.config.v1+json', {
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], ...config },
      rootfs: { type: 'layers', diff_ids: [layerEntry.digest] },
    });
    const manifest = { schemaVersion: 2, config: configEntry, layers: [layerEntry] };
    const entry = addJson('application/vnd.oci.image.manifest.v1+json', manifest);
    return { ...entry, annotations: { 'io.containerd.image.name': name } };
  });
  writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(path.join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}
