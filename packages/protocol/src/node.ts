/** The parts that need Node: credentials as servers read them, and whether secrets can be guessed. */
export { type BasicCredentials, parseBasicCredentials } from './basic-credentials.ts';
export { findKeyWeakness, findSecretWeakness } from './weak-secret.ts';
