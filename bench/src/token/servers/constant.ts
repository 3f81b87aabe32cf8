/** Server (a): the same answer to every request. What `node:http` itself takes. */
import { serveTokens } from './token-server.ts';

export interface ConstantSettings {
  readonly port: number;
  readonly answer: string;
}

const { port, answer }: ConstantSettings = JSON.parse(process.argv[2] ?? '');

serveTokens(port, { makeAnswer: () => answer, isTogether: false });
