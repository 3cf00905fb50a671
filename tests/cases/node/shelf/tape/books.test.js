'use strict';

const test = require('tape');
const { titleKey, dueDay } = require('..');

test('titleKey', (t) => {
  t.equal(titleKey('Emma'), 'emma');
  t.test('of a title with an article', (st) => {
    st.equal(titleKey('The Trial'), 'trial');
    st.end();
  });
  t.end();
});

test('loans', (t) => {
  t.plan(2);
  t.equal(dueDay(100, 14), 114);
  t.throws(() => dueDay(100, -1), RangeError);
});

test('renewals', { skip: true }, (t) => {
  t.fail('not yet');
  t.end();
});
