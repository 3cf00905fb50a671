'use strict';

const { titleKey } = require('..');

test('a shelf is sorted by key', () => {
  const titles = ['The Trial', 'Emma', 'A Room'];
  expect([...titles].sort((a, b) => titleKey(a).localeCompare(titleKey(b)))).toEqual(['Emma', 'A Room', 'The Trial']);
  expect(titles.length).toBeBetween(1, 3);
});

test('keys as they were', () => {
  expect(titleKey('The Castle')).toMatchInlineSnapshot(`"castle"`);
});
