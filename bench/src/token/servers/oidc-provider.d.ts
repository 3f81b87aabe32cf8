/** The part of oidc-provider that the benchmark and the client's tests use; the package brings no types of its own. */
declare module 'oidc-provider' {
  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    listen(port: number, host: string): { close(): unknown };
  }
}
