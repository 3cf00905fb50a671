// Starts the tree's own mocha in this process, which is where its tests run. Arguments: the channel's descriptor. The
// canary that must pass is its first test, the one that must fail and the watch are its last.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const channel = require('./node_channel.cjs');
const canary = require('./node_canary.cjs');
const { request, send } = channel.open(Number(process.argv[2]));
const programs = path.dirname(new URL(import.meta.url).pathname);
const tree = createRequire(path.join(request.root, request.package, 'package.json'));
const home = path.dirname(tree.resolve('mocha/package.json'));
const own = path.join(programs, 'node_canary.cjs');
const { names } = request;
const Mocha = await plain('index.js');
const cli = await plain('lib/cli/cli.js');
const { Runner, Suite, Test } = Mocha;

async function plain(file) {
  const loaded = await import(pathToFileURL(path.join(home, file)).href);
  return loaded.default && (loaded.default.Runner || loaded.default.main) ? loaded.default : loaded;
}

// What of mocha the tree's code could replace.
const watched = [
  [Runner.prototype, 'fail', 'runTest', 'runTests', 'hook', 'emit'],
  [Mocha.Runnable.prototype, 'run'],
  [Suite.prototype, 'addTest', 'run'],
].flatMap(([owner, ...methods]) => methods.map((name) => [owner, name, owner[name]]));

const noted = canary.begin(null);

// --- loading: which file it is at, and whether its code replaces what tests are told by ---
const WORDS = ['describe', 'context', 'it', 'specify', 'test', 'suite', 'before', 'beforeEach', 'after', 'afterEach'];
const replacedWords = new Set();
let words = {};
let loading = '';
let loaded = false;
let lastError = null;
for (const name of Object.keys(Mocha.interfaces)) {
  const original = Mocha.interfaces[name];
  Mocha.interfaces[name] = Object.assign(function (suite) {
    suite.on('pre-require', (context, file) => {
      loading = file;
    });
    original.call(this, suite);
    suite.on('pre-require', () => {
      words = Object.fromEntries(WORDS.map((word) => [word, globalThis[word]]));
    });
    suite.on('post-require', () => {
      for (const word of WORDS) if (globalThis[word] !== words[word]) replacedWords.add(word);
    });
  }, original);
}
process.on('uncaughtExceptionMonitor', (error) => {
  lastError = channel.failure(error);
});

// mocha adds the files of its configuration to those that it is asked for.
const leaveOut = new Set(request.options.leave_out.map((file) => path.resolve(request.root, file)));
for (const name of ['loadFiles', 'loadFilesAsync']) {
  const original = Mocha.prototype[name];
  Mocha.prototype[name] = function (...given) {
    this.files = this.files.filter((file) => !leaveOut.has(path.resolve(file)));
    return original.apply(this, given);
  };
}

// --- the reporter ---
const results = new Map();
let started = 0;
let ended = false;

function note(test, status, error, when) {
  const known = results.get(test);
  if (known && known.status === 'failed') return;
  results.set(test, {
    file: test.file || (test.parent && test.parent.file) || own,
    names: test.titlePath ? test.titlePath() : [test.fullTitle()],
    status,
    when,
    seconds: (test.duration || 0) / 1000,
    failure: status === 'failed' ? channel.failure(error) : null,
  });
}

function arrange(runner) {
  const root = runner.suite;
  const first = new Test(names.pass, () => canary.mustPass(null));
  const last = Suite.create(root, '');
  const fail = new Test(names.fail, () => canary.mustFail(null));
  const watch = new Test(names.watch, () => {
    const changed = [...noted.changed(), ...replacedWords];
    for (const [owner, name, value] of watched) if (owner[name] !== value) changed.push('mocha ' + name);
    if (changed.length) throw new Error('changed: ' + JSON.stringify(changed));
  });
  root.addTest(first);
  root.tests.unshift(root.tests.pop());
  last.addTest(fail);
  last.addTest(watch);
  const every = (suite) => [suite, ...suite.tests, ...suite.suites.flatMap(every)];
  for (const one of every(root)) {
    if (typeof one.retries === 'function') one.retries(0);
    if (typeof one.bail === 'function') one.bail(false);
  }
  for (const one of [first, fail, watch]) {
    one.file = own;
    one.titlePath = () => [one.title];
    if (hasOnly(root)) one.parent.appendOnlyTest(one);
  }
  if (hasOnly(root)) root.appendOnlySuite(last);
  const grep = runner._grep;
  const ours = Object.values(names);
  const isOurs = (title) => ours.some((name) => title.includes(name));
  if (grep) runner._grep = { test: (title) => isOurs(title) !== Boolean(runner._invert) || grep.test(title) };
  runner.total = root.total();
}

function hasOnly(root) {
  const every = (suite) => [suite, ...suite.suites.flatMap(every)];
  return every(root).some((suite) => (suite._onlyTests || []).length || (suite._onlySuites || []).length);
}

class Reporter {
  constructor(runner) {
    loaded = true;
    arrange(runner);
    runner.on('pass', (test) => note(test, 'passed', null, 'call'));
    runner.on('pending', (test) => note(test, 'skipped', null, 'call'));
    runner.on('fail', (test, error) => {
      console.log(`not ok: ${test.fullTitle()}: ${error && error.message}`);
      note(test, 'failed', error, test.type === 'hook' ? 'setup' : 'call');
    });
    runner.on('start', () => {
      started += 1;
    });
    runner.on('end', finish);
  }
}

function finish() {
  if (ended) return;
  ended = true;
  const files = new Map();
  const counted = { passed: 0, failed: 0 };
  for (const result of results.values()) {
    if (!files.has(result.file)) files.set(result.file, []);
    files.get(result.file).push(result);
    if (result.status in counted) counted[result.status] += 1;
  }
  for (const [file, tests] of files) send({ kind: 'file', file, error: null, tests });
  send({ kind: 'end', ...counted });
}

let given = false;
Object.defineProperty(globalThis, Symbol.for('redgreen.reporter'), {
  value() {
    if (given) send({ kind: 'sign', text: "the runner's reporter" });
    given = true;
    return Reporter;
  },
});
process.on('exit', () => {
  if (!loaded && loading) send({ kind: 'stopped', file: loading, error: lastError });
});

const args = [...request.args, ...request.files, '--reporter', path.join(programs, 'node_reporter.cjs')];
process.argv.splice(1, 2, path.join(home, fs.existsSync(path.join(home, 'bin/mocha.js')) ? 'bin/mocha.js' : 'bin/mocha'), ...args);
await cli.main(args);
