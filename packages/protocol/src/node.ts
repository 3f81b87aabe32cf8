/** The parts that need `Buffer`, and so Node: credentials as servers read them. */
export { type BasicCredentials, parseBasicCredentials } from './basic-credentials.ts';
