/** A page for tests: jsdom, with what browsers have and jsdom lacks. */
const { TestEnvironment } = require('jest-environment-jsdom');

module.exports = class extends TestEnvironment {
  constructor(...options) {
    super(...options);
    Object.assign(this.global, {
      AbortController,
      AbortSignal,
      fetch,
      Headers,
      ReadableStream,
      Request,
      Response,
      TextDecoder,
      TextEncoder,
      Uint8Array
    });
    this.global.DragEvent ??= class extends this.global.MouseEvent {};
  }
};
