/** The parts that need `Buffer`, and so Node: credentials and tokens as servers and guards read them. */
export { type BasicCredentials, parseBasicCredentials } from './basic-credentials.ts';
export { type DecodedJws, decodeJws, decodeJwsPart } from './jws.ts';
