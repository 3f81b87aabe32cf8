/** The field for the lifetime of tokens. */
import { SelectField } from '../ui/fields.tsx';
import { formatDuration } from '../ui/time.tsx';

interface LifetimeFieldProps {
  /** Seconds. Null: the server's default. */
  readonly value: number | null;
  readonly onChange: (seconds: number | null) => void;
}

const offered = [300, 900, 3_600, 28_800, 86_400, 691_200];

export function LifetimeField({ value, onChange }: LifetimeFieldProps) {
  const lifetimes = value === null || offered.includes(value) ? offered : [...offered, value];
  return (
    <SelectField
      label="Token lifetime"
      value={String(value ?? '')}
      onChange={(text) => onChange(text === '' ? null : Number(text))}
      options={[
        { value: '', label: 'The server’s default' },
        ...lifetimes.map((seconds) => ({ value: String(seconds), label: formatDuration(seconds) })),
      ]}
    />
  );
}
