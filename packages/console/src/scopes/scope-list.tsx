/** Names of scopes in a row, read-only. */

export function ScopeList({ scopes, none = 'none' }: { readonly scopes: readonly string[]; readonly none?: string }) {
  return scopes.length === 0 ? (
    <span className="muted">{none}</span>
  ) : (
    <ul className="chips">
      {scopes.map((scope) => (
        <li key={scope} className="chip">
          {scope}
        </li>
      ))}
    </ul>
  );
}
