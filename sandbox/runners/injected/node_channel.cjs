'use strict';
// How a Node program of ours speaks to the launcher: lines over an inherited socket, each sealed with a hash that chains
// it to the one before. Opened before any of the tree's code loads; what is needed later is bound now, because the
// tree's code may replace anything it can reach. The key lives in this closure only, and the writer is handed out once.
const fs = require('fs');
const crypto = require('crypto');

const readSync = fs.readSync;
const writeSync = fs.writeSync;
const createHash = crypto.createHash;
const stringify = JSON.stringify;
const parse = JSON.parse;
const text = String;
const apply = Reflect.apply;
const update = crypto.Hash.prototype.update;
const digest = crypto.Hash.prototype.digest;
const bufferFrom = Buffer.from;
const TEXT_LIMIT = 4000;

function readLine(fd) {
  const bytes = [];
  const one = Buffer.alloc(1);
  while (readSync(fd, one, 0, 1, null) === 1 && one[0] !== 10) bytes.push(one[0]);
  return Buffer.from(bytes).toString('utf8');
}

function open(fd) {
  const request = parse(readLine(fd));
  let link = request.key;
  delete request.key;

  function send(record) {
    const line = stringify(record);
    link = apply(digest, apply(update, createHash('sha256'), [link + line, 'utf8']), ['hex']);
    let data = bufferFrom(line + '\t' + link + '\n', 'utf8');
    while (data.length) {
      try {
        data = data.subarray(writeSync(fd, data));
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
      }
    }
  }
  return { request, send };
}

function bounded(value) {
  try {
    return text(value).slice(0, TEXT_LIMIT);
  } catch (error) {
    return '<no text: its conversion threw>';
  }
}

// What was thrown, as the report wants it. A thrown value may do anything when it is looked at.
function failure(error) {
  try {
    const isObject = error !== null && typeof error === 'object';
    if (!isObject) return { exception: typeof error, message: bounded(error), stack: '' };
    const made = error.constructor && typeof error.constructor.name === 'string' ? error.constructor.name : '';
    const name = bounded(made && made !== 'Object' ? made : error.name || 'Error').slice(0, 200);
    const message = bounded(error.message === undefined ? stringify(error) : error.message);
    return { exception: name, message, stack: bounded(error.stack || error.stackStr || '') };
  } catch (unreadable) {
    return { exception: 'Error', message: '<no message: reading it threw>', stack: '' };
  }
}

module.exports = { open, failure };
