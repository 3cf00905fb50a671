'use strict';

const { expect } = require('chai');
const { titleKey, dueDay } = require('..');

describe('titleKey', function () {
  this.retries(3);

  for (const [title, key] of [['Emma', 'emma'], ['The Trial', 'trial']]) {
    it(`of ${title} is ${key}`, () => {
      expect(titleKey(title)).to.equal(key);
    });
  }

  it('of a title in another language');
});

describe('loans', () => {
  it('end after their days', async () => {
    expect(dueDay(100, 14)).to.equal(114);
  });

  it.skip('can be renewed', () => {
    expect(true).to.equal(false);
  });
});
