/** Decides for gateways whether a request may pass: by rules for hosts, methods and paths, and by `@postern/guard`. */
export { createGate, type Gate, type GateOptions } from './gate.ts';
export { type Address, type GateConfig, GateFile, type GateFileFault, readGateFile } from './gate-file.ts';
export { type GateServer, serveGate } from './serve-gate.ts';
