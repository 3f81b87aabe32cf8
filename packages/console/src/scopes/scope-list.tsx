/** Names of scopes in a row, read-only. */
import { Chip } from '../ui/chip.tsx';

export function ScopeList({ scopes }: { readonly scopes: readonly string[] }) {
  return scopes.length === 0 ? (
    <span className="muted">none</span>
  ) : (
    <ul className="row chips">
      {scopes.map((scope) => (
        <li key={scope}>
          <Chip text={scope} />
        </li>
      ))}
    </ul>
  );
}
