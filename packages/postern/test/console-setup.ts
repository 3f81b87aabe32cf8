/** Before all tests: the console is built of what its sources say now. */
export { buildConsole as setup } from '../../console/build.ts';
