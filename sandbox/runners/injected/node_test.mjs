// Runs one file of node:test tests in this process. Arguments: the channel's descriptor. The canary that must pass is
// its first test, the one that must fail and the watch are its last.
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const channel = require('./node_channel.cjs');
const canary = require('./node_canary.cjs');
const { request, send } = channel.open(Number(process.argv[2]));
const { names } = request;
const file = path.join(request.root, request.files[0]);
const tests = [];
const stack = [];
let finished = false;
let broken = null;

function thrown(error) {
  return channel.failure(error && error.cause !== undefined && error.cause !== null ? error.cause : error);
}

function take(event) {
  const data = event.data;
  if (event.type === 'test:start') {
    stack.length = data.nesting;
    stack[data.nesting] = data.name;
    return;
  }
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return;
  const names_ = [...stack.slice(0, data.nesting), data.name];
  const details = data.details || {};
  const error = event.type === 'test:fail' ? details.error : null;
  const because = error && error.failureType;
  if (details.type === 'suite' && (!error || because === 'subtestsFailed')) return;
  const skipped = data.skip !== undefined || data.todo !== undefined;
  tests.push({
    names: names_,
    status: skipped ? 'skipped' : error ? 'failed' : 'passed',
    when: because === 'hookFailed' || details.type === 'suite' ? 'setup' : 'call',
    seconds: (details.duration_ms || 0) / 1000,
    failure: error && !skipped ? thrown(error) : null,
  });
  if (error && !skipped) console.log(`not ok: ${names_.join(' > ')}: ${thrown(error).message}`);
}

let given = false;
Object.defineProperty(globalThis, Symbol.for('redgreen.reporter'), {
  value() {
    if (given) send({ kind: 'sign', text: "the runner's reporter" });
    given = true;
    return async function* reporter(source) {
      for await (const event of source) take(event);
      finished = true;
    };
  },
});

process.on('exit', () => {
  if (!finished) return;
  const ours = Object.values(names);
  const own = tests.filter((test) => !ours.includes(test.names[0]));
  if (!own.length && !broken && !request.pattern) {
    // As `node --test` has it: a file without tests is one itself.
    tests.push({ names: [path.basename(file)], status: 'passed', seconds: 0, failure: null });
  }
  const counted = { passed: 0, failed: 0 };
  for (const test of tests) if (test.status in counted) counted[test.status] += 1;
  send({ kind: 'file', file, error: null, tests });
  send({ kind: 'end', ...counted, error: broken });
});

process.argv.splice(1, 2, file);
const nodeTest = require('node:test');
const { test } = nodeTest;
const told = ['test', 'it', 'describe', 'suite', 'beforeEach', 'afterEach', 'default'];
const watched = told.filter((name) => name in nodeTest).map((name) => [`node:test.${name}`, [nodeTest, name]]);
const noted = canary.begin(null, Object.fromEntries(watched));
test(names.pass, () => canary.mustPass(null));
try {
  await import(pathToFileURL(file).href);
} catch (error) {
  broken = channel.failure(error);
  console.log(error);
}
test(names.fail, () => canary.mustFail(null));
test(names.watch, () => {
  const changed = noted.changed();
  if (changed.length) throw new Error('changed: ' + JSON.stringify(changed));
});
