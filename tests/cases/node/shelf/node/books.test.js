'use strict';

const assert = require('node:assert');
const { describe, it, test } = require('node:test');
const { titleKey, dueDay } = require('..');

describe('titleKey', () => {
  for (const [title, key] of [['Emma', 'emma'], ['The Trial', 'trial']]) {
    it(`of ${title} is ${key}`, () => {
      assert.strictEqual(titleKey(title), key);
    });
  }

  it.todo('of a title in another language');
});

test('loans', async (t) => {
  await t.test('end after their days', () => {
    assert.strictEqual(dueDay(100, 14), 114);
  });
  await t.test('can be renewed', { skip: true }, () => {
    assert.fail();
  });
});
