// Load on an API server over HTTP/2 that h2load cannot make, for bench/run.
//
//   node bench/load.mjs patch SETTINGS    merge patches that each change something
//   node bench/load.mjs watch SETTINGS    watches that are told of writes
//
// SETTINGS is JSON: url, token, path (of a list of ConfigMaps), connections; and `requests`, `atOnce`
// and `objects` for patches, `watches` and `events` for watches. Prints "ready" when it is, begins when
// it is told a line, and prints one line of JSON. An answer that is not 2xx ends it with an exception,
// and so does an event that has not come a minute after the last write.
import http2 from 'node:http2';

const EVENTS_WITHIN_MS = 60_000;

const settings = JSON.parse(process.argv[3]);
const base = {authorization: `Bearer ${settings.token}`, accept: 'application/json'};
const sessions = await Promise.all(Array.from({length: settings.connections}, connect));

function connect() {
  return new Promise((resolve, reject) => {
    // The server's certificate is of an authority that was made a moment ago.
    const session = http2.connect(settings.url, {rejectUnauthorized: false});
    session.on('connect', () => resolve(session));
    session.on('error', reject);
  });
}

async function startSignal() {
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
}

function call(session, method, path, body, type = 'application/json') {
  return new Promise((resolve, reject) => {
    const stream = session.request({...base, ':method': method, ':path': path, 'content-type': type});
    let status = 0, text = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => { status = headers[':status']; });
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('end', () => status >= 200 && status < 300
      ? resolve(text) : reject(new Error(`${method} ${path} was answered with ${status}: ${text}`)));
    stream.on('error', reject);
    stream.end(JSON.stringify(body));
  });
}

function configMap(name) {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name}, data: {data: 'x'.repeat(800)}};
}

async function patch() {
  const {path, requests, atOnce, objects} = settings;
  for (let i = 0; i < objects; ++i) await call(sessions[0], 'POST', path, configMap(`patched-${i}`));
  let next = 0;
  const work = async (session) => {
    for (let i = next++; i < requests; i = next++) {
      await call(session, 'PATCH', `${path}/patched-${i % objects}`, {data: {number: `${i}`}},
                 'application/merge-patch+json');
    }
  };
  await startSignal();
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({length: atOnce}, (_, i) => work(sessions[i % sessions.length])));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  return {perSecond: requests / seconds};
}

// Calls `each` with the time at which each line came, and its text.
function watch(session, each) {
  return new Promise((resolve, reject) => {
    const stream = session.request({...base, ':path': `${settings.path}?watch=true`});
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => headers[':status'] === 200
      ? resolve() : reject(new Error(`a watch was answered with ${headers[':status']}`)));
    stream.on('data', (chunk) => {
      const now = process.hrtime.bigint();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) each(now, line);
    });
    stream.on('error', reject);
  });
}

async function watchAll() {
  const {path, watches, events} = settings;
  const came = [];  // When, by the event's number, once for each watch.
  let missing = watches * events, allCame;
  const whole = new Promise((resolve) => { allCame = resolve; });
  const take = (now, line) => {
    const name = /"name":"told-(\d+)"/.exec(line);
    if (name === null) return;  // What was there before.
    came.push([Number(name[1]), now]);
    if (--missing === 0) allCame();
  };
  for (let i = 0; i < watches; ++i) await watch(sessions[i % sessions.length], take);
  const writer = await connect();
  await startSignal();
  const acknowledged = [];
  for (let i = 0; i < events; ++i) {
    await call(writer, 'POST', path, configMap(`told-${i}`));
    acknowledged.push(process.hrtime.bigint());
  }
  await Promise.race([whole, new Promise((_, reject) => setTimeout(
    () => reject(new Error(`${missing} events did not come`)), EVENTS_WITHIN_MS))]);
  const delays = came.map(([i, at]) => Math.max(0, Number(at - acknowledged[i]) / 1e6));
  delays.sort((a, b) => a - b);
  return {p50: delays[Math.floor(delays.length * 0.5)], p99: delays[Math.floor(delays.length * 0.99)]};
}

console.log(JSON.stringify(await {patch, watch: watchAll}[process.argv[2]]()));
process.exit(0);
