'use strict';

// The compiled SDK of the Muster that runs: every connector, built in or installed, shares this one copy.
module.exports = require('../dist/sdk/index.js');
