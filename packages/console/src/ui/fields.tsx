/** Form fields: a label, the control, a description, and what is wrong with the value. */
import { type ReactNode, useId } from 'react';
import {
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
} from 'react-aria-components';

interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'children'> {
  readonly label: string;
  readonly description?: ReactNode;
  readonly placeholder?: string;
  /** A monospaced font, for text that is copied and compared: ids, secrets, names of scopes. */
  readonly mono?: boolean;
  /** Several lines, of which so many are visible. */
  readonly rows?: number;
  /** Texts that the browser suggests. */
  readonly suggestions?: readonly string[] | undefined;
}

/** Enter in a field of the type `search` never submits the form that it stands in, because it filters what is shown. */
export function TextField(props: TextFieldProps) {
  const { label, description, placeholder, mono = false, rows, suggestions, onKeyDown, ...field } = props;
  const list = useId();
  const control = { className: mono ? 'input mono' : 'input', placeholder, spellCheck: !mono };
  return (
    <AriaTextField
      {...field}
      className="field"
      onKeyDown={(event) => {
        // Without this no dialog around the field would hear Escape.
        event.continuePropagation();
        if (field.type === 'search' && event.key === 'Enter') {
          event.preventDefault();
        }
        onKeyDown?.(event);
      }}
    >
      <Label className="label">
        {label}
        {field.isRequired === true && (
          <span className="danger-text" aria-hidden="true">
            {' *'}
          </span>
        )}
      </Label>
      {rows === undefined ? (
        <Input {...control} list={suggestions === undefined ? undefined : list} />
      ) : (
        <TextArea {...control} rows={rows} autoCapitalize="off" />
      )}
      {suggestions !== undefined && (
        <datalist id={list}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
      {description !== undefined && (
        <Text slot="description" className="hint">
          {description}
        </Text>
      )}
      <FieldError className="field-error" />
    </AriaTextField>
  );
}

/** A label that differs from the value is given with it. */
type Option<Value extends string> = Value | { readonly value: Value; readonly label: string };

interface SelectFieldProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly options: readonly Option<Value>[];
  /** Shows the label to assistive technology only. */
  readonly labelHidden?: boolean;
}

/** The browser's own control, which works on every device. */
export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { label, value: selected, options, onChange, labelHidden = false } = props;
  const id = useId();
  return (
    <div className="field">
      <label className={labelHidden ? 'visually-hidden' : 'label'} htmlFor={id}>
        {label}
      </label>
      <select value={selected} id={id} className="input" onChange={(event) => onChange(event.target.value as Value)}>
        {options
          .map((option) => (typeof option === 'string' ? { value: option, label: option } : option))
          .map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
      </select>
    </div>
  );
}

interface CheckboxFieldProps {
  readonly label: ReactNode;
  readonly value: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly description?: ReactNode;
}

export function CheckboxField({ label, description, value, onChange }: CheckboxFieldProps) {
  const id = useId();
  return (
    <div className="checkbox">
      <input
        id={id}
        type="checkbox"
        checked={value}
        aria-describedby={description === undefined ? undefined : `${id}-description`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {description !== undefined && (
        <span className="hint" id={`${id}-description`}>
          {description}
        </span>
      )}
    </div>
  );
}
