"""`npm install` as far as it gets: the program that a build runs where no lock file fits. Pure.

What the repository depends on must install. A dependency of its developers alone (a linter's configuration in a version
that no registry has, a repository that builds cannot reach) is taken in any version of the same major, and left out
when npm cannot find that either; the build's log says so. The package.json is put back as it was.
"""

from __future__ import annotations

from typing import Final

FLAGS: Final = ("--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
_PROGRAM: Final = r"""
// npm install, without what only developers want and npm cannot get
const fs = require('fs');
const { spawnSync } = require('child_process');
const flags = process.argv.slice(1);
const original = fs.readFileSync('package.json', 'utf8');
const manifest = JSON.parse(original.replace(/^\uFEFF/, ''));
const own = [manifest.devDependencies, manifest.optionalDependencies].filter((one) => one && typeof one === 'object');
const attempts = [[], ['--legacy-peer-deps'], ['--legacy-peer-deps', '--ignore-scripts']];

function drop(names) {
  const here = own.flatMap((table) => names.filter((name) => name in table).map((name) => [table, name]));
  for (const [table, name] of here) {
    const major = /^[\^~>=v\s]*(\d+)\.\d/.exec(table[name]);
    if (major) {
      console.error(`redgreen: no such version: ${name}@${table[name]}; any ${major[1]}.x is taken`);
      table[name] = `${major[1]}.x`;
    } else {
      console.error(`redgreen: left out, since npm cannot get it: ${name}@${table[name]}`);
      delete table[name];
    }
  }
  fs.writeFileSync('package.json', JSON.stringify(manifest));
  return here.length > 0;
}

function lacking(text) {
  const patterns = [
    /specified as a dependency of '([^']+)'/g,
    /No matching version found for (@?[^@\s]+)@/g,
    /'(@?[^@'\s]+)@[^']*' (?:is not in this registry|could not be found)/g,
  ];
  const found = patterns.flatMap((one) => [...text.matchAll(one)].map((match) => match[1].replace('%2f', '/')));
  if (found.length || !/git|EUNSUPPORTEDPROTOCOL|ENOTFOUND|ECONNREFUSED|tarball/.test(text)) return found;
  const elsewhere = /^(?:git|https?:|file:|link:|[\w.-]+\/)|:\/\//;
  return own.flatMap((table) => Object.keys(table).filter((name) => elsewhere.test(table[name])));
}

let status = 1;
for (let at = 0, tries = 0; at < attempts.length && tries < 20; tries += 1) {
  const done = spawnSync('npm', ['install', ...flags, ...attempts[at]], { encoding: 'utf8', maxBuffer: 1 << 28 });
  process.stdout.write(done.stdout || '');
  process.stderr.write(done.stderr || '');
  status = done.status === null ? 1 : done.status;
  if (status === 0) break;
  if (!drop(lacking(`${done.stdout}\n${done.stderr}`))) at += 1;
}
fs.writeFileSync('package.json', original);
process.exit(status);
"""
"""The second attempt is without npm's judgement of peers, which old manifests do not pass; the last without the
packages' own scripts, which download what tests seldom need (browsers) and hook into git."""

STEP: Final = ("node", "-e", _PROGRAM, "--", *FLAGS, "--no-save", "--no-package-lock")
