// What node_client_test.py runs with the official client for JavaScript.
// Usage: node node_client_script.mjs KUBECONFIG; it reads "go on" lines from its standard input.
import * as k8s from '@kubernetes/client-node';
import readline from 'node:readline';
import { PassThrough } from 'node:stream';

const config = new k8s.KubeConfig();
config.loadFromFile(process.argv[2]);
const core = config.makeApiClient(k8s.CoreV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const say = (...words) => console.log(...words);
const goOn = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const until = async (check) => {
  for (let i = 0; i < 600; ++i) {
    if (check()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come to pass: ' + check);
};

// An informer that sees changes before and after the server restarts.
const seen = new Map();
const informer = k8s.makeInformer(config, '/api/v1/namespaces/default/configmaps',
  () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'by=node' }), 'by=node');
informer.on('add', (one) => seen.set(one.metadata.name, one.data?.state));
informer.on('update', (one) => seen.set(one.metadata.name, one.data?.state));
informer.on('delete', (one) => seen.delete(one.metadata.name));
informer.on('error', () => setTimeout(() => informer.start(), 200));
await informer.start();
const map = (name, state) => ({
  apiVersion: 'v1', kind: 'ConfigMap', data: { state },
  metadata: { name, namespace: 'default', labels: { by: 'node' } } });
await core.createNamespacedConfigMap({ namespace: 'default', body: map('a', 'one') });
await until(() => seen.get('a') === 'one');
say('informed of a');
await goOn.next();  // The server was restarted.
await core.createNamespacedConfigMap({ namespace: 'default', body: map('b', 'two') });
await until(() => seen.get('b') === 'two' && seen.get('a') === 'one');
say('informed of b after the restart');
await informer.stop();

// Server-side apply, twice, by two managers.
const apply = (state, manager, force) => objects.patch(
  map('applied', state), undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
await apply('by first', 'first', false);
try {
  await apply('by second', 'second', false);
  say('no conflict');
} catch (error) {
  say('conflict', error.code);
}
const forced = await apply('by second', 'second', true);
say('applied', forced.data.state, forced.metadata.managedFields.map((one) => one.manager).join(','));

if (process.argv[3] === 'with-pods') {
  const pod = 'node-client';
  await core.createNamespacedPod({ namespace: 'default', body: {
    metadata: { name: pod },
    spec: { terminationGracePeriodSeconds: 1, containers: [{
      name: 'c', image: 'pinnace/toolbox:1', command: ['sh', '-c', 'echo logged; sleep 600'] }] } } });
  let phase = '';
  for (let i = 0; phase !== 'Running' && i < 600; ++i) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    phase = (await core.readNamespacedPod({ namespace: 'default', name: pod })).status.phase;
  }
  say('log', (await core.readNamespacedPodLog({ namespace: 'default', name: pod })).trim());
  let text = '';
  const out = new PassThrough();
  out.on('data', (bytes) => { text += bytes; });
  const status = await new Promise((resolve, reject) => new k8s.Exec(config).exec(
    'default', pod, 'c', ['echo', 'hello from inside'], out, process.stderr, null, false, resolve)
    .catch(reject));
  say('exec', status.status, text.trim());
  await core.deleteNamespacedPod({ namespace: 'default', name: pod });
}
process.exit(0);
