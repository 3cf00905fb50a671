// Runs one file of tape tests in this process. Arguments: the channel's descriptor. Results come from tape's stream of
// objects, never from its printed text.
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const channel = require('./node_channel.cjs');
const canary = require('./node_canary.cjs');
const { request, send } = channel.open(Number(process.argv[2]));
const { names } = request;
const file = path.join(request.root, request.files[0]);
const tree = createRequire(file);
const found = new Map();
let finished = false;
let broken = null;

function take(row) {
  if (row.type === 'test') {
    const parent = found.get(row.parent);
    found.set(row.id, { names: [...(parent ? parent.names : []), row.name || '(anonymous)'], asserts: 0, skip: row.skip || row.todo });
    return;
  }
  const test = found.get(row.test);
  if (row.type !== 'assert' || !test || row.skip || row.todo) return;
  test.asserts += 1;
  if (row.ok || test.failure) return;
  const error = row.error || {};
  const shown = row.operator === 'error' || row.operator === 'throws' ? '' : `: expected ${show(row.expected)}, got ${show(row.actual)}`;
  test.failure = { exception: 'AssertionError', message: `${row.name}${row.operator === 'fail' ? '' : shown}`, stack: channel.failure(error).stack };
  console.log(`not ok: ${test.names.join(' > ')}: ${test.failure.message}`);
}

function show(value) {
  try {
    return String(JSON.stringify(value)).slice(0, 500);
  } catch (error) {
    return typeof value;
  }
}

process.on('exit', () => {
  if (!finished) return;
  const tests = [...found.values()].map((test) => ({
    names: test.names,
    status: test.skip ? 'skipped' : test.failure ? 'failed' : 'passed',
    seconds: 0,
    failure: test.failure || null,
  }));
  const counted = { passed: 0, failed: 0 };
  for (const test of tests) if (test.status in counted) counted[test.status] += 1;
  send({ kind: 'file', file, error: null, tests });
  send({ kind: 'end', ...counted, error: broken });
});

process.argv.splice(1, 2, file);
const tape = tree('tape');
tape
  .createStream({ objectMode: true })
  .on('data', take)
  .on('end', () => {
    finished = true;
  });
const operators = Object.entries(tape.Test.prototype);
const noted = canary.begin(null);
tape(names.pass, (t) => {
  t.equal(2 + 2, 4);
  t.end();
});
try {
  await import(pathToFileURL(file).href);
} catch (error) {
  broken = channel.failure(error);
  console.log(error);
}
tape(names.fail, (t) => {
  t.equal(2 + 2, 5);
  t.end();
});
tape(names.watch, (t) => {
  const changed = noted.changed();
  for (const [name, value] of operators) if (tape.Test.prototype[name] !== value) changed.push('tape ' + name);
  if (changed.length) t.fail('changed: ' + JSON.stringify(changed));
  t.end();
});
