/** The parts of the guard that need Node: requests of `node:http`, and keys, certificates and nonces by `node:crypto`. RFC 8705 §6.3. */
export * from './adapters/node.ts';
export { digestOf, keyInput } from './crypto/node-crypto.ts';
export { certificateThumbprint, jwkThumbprint, requirePublicKey, requireStrongKey } from './crypto/node-keys.ts';
export { createDpopNonces } from './dpop-nonces.ts';
