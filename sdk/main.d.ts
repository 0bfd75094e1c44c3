export * from '../dist/sdk/index';
