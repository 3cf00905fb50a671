'use strict';

expect.extend({
  toBeBetween(received, low, high) {
    return { pass: received >= low && received <= high, message: () => `${received} is not in ${low}..${high}` };
  },
});
