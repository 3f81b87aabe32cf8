/** The resources of a client, as text with one identifier per line. RFC 8707 §2. */
import { TextField } from '../ui/fields.tsx';

interface ResourcesFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Completes the description. */
  readonly hint?: string;
}

export function ResourcesField({ hint = '', ...field }: ResourcesFieldProps) {
  return (
    <TextField
      label="Resources"
      {...field}
      rows={2}
      mono
      description={`Identifiers of the registered resources that it may request tokens for, one per line.${hint}`}
    />
  );
}

export function parseResources(text: string): string[] {
  return text.split(/\s+/).filter((identifier) => identifier !== '');
}
