'use strict';

const ARTICLES = ['a', 'the'];

/** What a title is sorted by: lower case, without a leading article. */
function titleKey(title) {
  const words = title.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 1 && ARTICLES.includes(words[0])) words.shift();
  return words.join(' ');
}

/** The day on which a loan ends. */
function dueDay(today, days) {
  if (days < 0) throw new RangeError('a loan cannot end before it begins');
  return today + days;
}

module.exports = { titleKey, dueDay };
