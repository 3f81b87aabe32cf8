/** A short name among others, such as that of a scope; with a button if it can be removed. */

interface ChipProps {
  readonly text: string;
  /** For assistive technology. */
  readonly removeLabel?: string;
  readonly onRemove?: false | (() => void);
}

export function Chip({ text, removeLabel, onRemove = false }: ChipProps) {
  return (
    <span className="chip">
      {text}
      {onRemove && (
        <button type="button" className="chip-button" aria-label={removeLabel} onClick={onRemove}>
          ×
        </button>
      )}
    </span>
  );
}
