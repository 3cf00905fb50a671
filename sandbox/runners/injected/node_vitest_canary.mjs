// In each test file's context, after the project's own set-up files. `vitest` is found through a link beside this file.
import { createRequire } from 'node:module';
import { beforeAll, expect, test } from 'vitest';

const require = createRequire(import.meta.url);
const names = require('./names.json');
const canary = require('./node_canary.cjs');

const noted = canary.begin(expect);
test(names.pass, () => canary.mustPass(expect));
test(names.fail, () => canary.mustFail(expect));
test(names.watch, () => {
  const changed = noted.changed();
  if (changed.length) throw new Error('changed: ' + JSON.stringify(changed));
});

// The canary that must fail and the watch go last, and count where a file has tests marked `only`. No test is retried.
beforeAll(function () {
  // No named parameter: newer versions read the parameters' text for fixtures, and hand the file over as the second.
  const file = [...arguments].find((one) => Array.isArray(one?.tasks));
  if (!file) return;
  const every = (task) => [task, ...(task.tasks ?? []).flatMap(every)];
  for (const task of every(file)) if (task.retry) task.retry = 0;
  for (const name of [names.fail, names.watch]) {
    const index = file.tasks.findIndex((one) => one.name === name);
    if (index >= 0) file.tasks.push(...file.tasks.splice(index, 1));
  }
  for (const one of file.tasks) if (Object.values(names).includes(one.name)) one.mode = 'run';
});
