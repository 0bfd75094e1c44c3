'use strict';

// Two lanes: the ordinary one, and MUSTER_TEST_LANE=slow for the whole matrix of kills (*.slow.ts).
const slow = process.env.MUSTER_TEST_LANE === 'slow';

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: slow ? ['<rootDir>/**/*.slow.ts'] : ['<rootDir>/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/', '<rootDir>/.muster/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.muster/'],
  // These are ES modules only: Node takes them by require, jest does not.
  transformIgnorePatterns: ['/node_modules/(?!(jose|openid-client|oauth4webapi)/)'],
  transform: {
    '/node_modules/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2022' }, module: { type: 'commonjs', ignoreDynamic: true } },
    ],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
  },
  // Both would else lead to dist/, through the package's own `main`.
  moduleNameMapper: { '^@muster/sdk$': '<rootDir>/sdk/index.ts', '^(\\.\\./)+sdk$': '<rootDir>/sdk/index.ts' },
  globalSetup: '<rootDir>/test/environment/global-setup.ts',
  globalTeardown: '<rootDir>/test/environment/global-teardown.ts',
  testTimeout: slow ? 300_000 : 60_000,
  maxWorkers: slow ? 1 : 2,
};
