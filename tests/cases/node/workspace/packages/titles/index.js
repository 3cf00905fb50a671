'use strict';

const width = require('string-width');

const ARTICLES = ['a', 'the'];

function titleKey(title) {
  const words = title.toLowerCase().split(/\s+/);
  return (ARTICLES.includes(words[0]) ? words.slice(1) : words).join(' ');
}

function padded(title, columns) {
  return title + ' '.repeat(Math.max(0, columns - width(title)));
}

module.exports = { padded, titleKey };
