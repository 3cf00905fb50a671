// Starts the tree's own vitest through its Node interface. Arguments: the channel's descriptor. Results are read from
// vitest's state in this process; the tests run in its workers, with the canaries put into each file's set-up.
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const channel = require('./node_channel.cjs');
const { request, send } = channel.open(Number(process.argv[2]));
const programs = path.dirname(new URL(import.meta.url).pathname);
const tree = createRequire(path.join(request.root, request.package, 'package.json'));
const home = path.dirname(tree.resolve('vitest/package.json'));
const manifest = require(path.join(home, 'package.json'));
const entry = manifest.exports['./node'];
const file = typeof entry === 'string' ? entry : entry.import?.default || entry.import || entry.default;
process.argv.splice(1, 2, path.join(home, 'vitest.mjs'));
process.env.TEST ||= 'true';
process.env.VITEST ||= 'true';
process.env.NODE_ENV ||= 'test';

const { createVitest, parseCLI } = await import(pathToFileURL(path.join(home, file)).href);
let own = {};
let filters = [];
if (parseCLI && request.args.length) {
  const parsed = parseCLI(['vitest', 'run', ...request.args]);
  own = parsed.options;
  filters = parsed.filter;
}
for (const name of ['--', 'run', 'color', 'c', 'r']) delete own[name];
const options = {
  ...own,
  watch: false,
  run: true,
  bail: 0,
  retry: 0,
  reporters: ['dot'],
  coverage: { enabled: false },
  passWithNoTests: true,
  ui: false,
  open: false,
  update: false,
  outputFile: undefined,
  ...request.options,
};
const vitest = await createVitest('test', options);
const projects = vitest.projects?.length ? vitest.projects : [vitest];
for (const config of new Set([vitest.config, ...projects.map((project) => project.config)])) {
  config.setupFiles = [...[config.setupFiles ?? []].flat(), path.join(programs, 'node_vitest_canary.mjs')];
  config.retry = 0;
  if (config.snapshotOptions) config.snapshotOptions.updateSnapshot = 'none';
  if (config.typecheck) config.typecheck.enabled = false;
}
if (vitest.snapshot?.options) vitest.snapshot.options.updateSnapshot = 'none';
await vitest.start(request.files.length ? request.files : filters);

const states = { pass: 'passed', fail: 'failed', skip: 'skipped', todo: 'skipped' };
function* walk(task, names) {
  for (const child of task.tasks ?? []) {
    const path_ = [...names, child.name];
    if (child.type === 'suite') {
      yield* walk(child, path_);
      continue;
    }
    const status = child.mode === 'skip' || child.mode === 'todo' ? 'skipped' : states[child.result?.state];
    if (!status) continue;
    const error = child.result?.errors?.[0];
    yield {
      names: path_,
      status,
      seconds: (child.result?.duration ?? 0) / 1000,
      failure: status === 'failed' ? thrown(error) : null,
    };
  }
}

// Errors come from the workers as plain objects that keep the original's name and constructor.
function thrown(error) {
  if (!error) return { exception: 'Error', message: 'failed without an error', stack: '' };
  const name = error.nameStr || error.constructorName || error.name || 'Error';
  return { exception: String(name), message: String(error.message), stack: String(error.stackStr || error.stack || '') };
}

function suiteErrors(task) {
  const own_ = task.type === 'suite' && task.result?.state === 'fail' ? (task.result.errors ?? []) : [];
  return [...own_, ...(task.tasks ?? []).flatMap(suiteErrors)];
}

const counted = { passed: 0, failed: 0 };
for (const one of vitest.state.getFiles()) {
  const tests = [...walk(one, [])];
  for (const test of tests) if (test.status in counted) counted[test.status] += 1;
  const errors = suiteErrors(one);
  send({ kind: 'file', file: one.filepath, error: errors.length ? thrown(errors[0]) : null, tests });
}
const loose = vitest.state.getUnhandledErrors?.() ?? [];
send({ kind: 'end', ...counted, loose: loose.map((error) => String(error?.message ?? error)).slice(0, 5) });
await vitest.close();
process.exit(process.exitCode || (counted.failed ? 1 : 0));
