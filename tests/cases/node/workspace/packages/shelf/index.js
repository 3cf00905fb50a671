'use strict';

const { padded, titleKey } = require('@library/titles');

function sorted(titles) {
  return [...titles].sort((one, other) => (titleKey(one) < titleKey(other) ? -1 : 1));
}

function labels(titles, columns) {
  return sorted(titles).map((title) => padded(title, columns));
}

module.exports = { labels, sorted };
