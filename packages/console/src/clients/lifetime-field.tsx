/** The field for the lifetime of tokens. */
import { SelectField } from '../ui/fields.tsx';
import { formatDuration } from '../ui/time.tsx';

interface LifetimeFieldProps {
  /** Null: the server's default. */
  readonly seconds: number | null;
  readonly onChange: (seconds: number | null) => void;
}

const offered = [300, 900, 3_600, 28_800, 86_400, 691_200];

export function LifetimeField({ seconds, onChange }: LifetimeFieldProps) {
  const lifetimes = seconds === null || offered.includes(seconds) ? offered : [...offered, seconds];
  return (
    <SelectField
      label="Token lifetime"
      value={String(seconds ?? '')}
      onChange={(value) => onChange(value === '' ? null : Number(value))}
      options={[
        { value: '', label: 'The server’s default' },
        ...lifetimes.map((one) => ({ value: String(one), label: formatDuration(one) })),
      ]}
    />
  );
}
