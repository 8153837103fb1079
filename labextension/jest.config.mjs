/** Units of the front end. The examples in ../tests/contract are read by the server's tests too. */
const typescript = ['ts-jest', { tsconfig: 'tsconfig.test.json' }];

export default {
  roots: ['<rootDir>/test'],
  testEnvironment: '<rootDir>/test/environment.cjs',
  // Some of JupyterLab's packages are published as ES modules only.
  transform: { '^.+\\.tsx?$': typescript, '@jupyterlab/translation/.+\\.js$': typescript },
  transformIgnorePatterns: ['/node_modules/(?!@jupyterlab/translation/)'],
  errorOnDeprecated: true
};
