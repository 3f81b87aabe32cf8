/** The part of oidc-provider that the benchmark and tests use; the package brings no types of its own. */
declare module 'oidc-provider' {
  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly Client: { readonly prototype: { redirectUriAllowed: (uri: string) => boolean } };
    readonly Grant: new (of: {
      readonly clientId: string;
      readonly accountId?: string;
    }) => {
      addOIDCScope(scope: string): void;
      save(): Promise<unknown>;
    };
    listen(port: number, host: string): { close(): unknown; closeAllConnections(): void };
    use(middleware: (context: ProviderContext, next: () => Promise<void>) => Promise<void>): void;
    interactionFinished(request: unknown, response: unknown, result: object): Promise<void>;
  }

  export interface ProviderContext {
    readonly path: string;
    readonly query: Readonly<Record<string, unknown>>;
    readonly req: unknown;
    readonly res: unknown;
    readonly oidc: { readonly provider: Provider; readonly session?: { readonly accountId?: string } };
    type: string;
    body: string;
    respond: boolean;
  }
}
