/** Express 4 under its own name; the parts that the tests use are as in Express 5. */
declare module 'express4' {
  export { default } from 'express';
}
