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
  /** Texts that the browser suggests. */
  readonly suggestions?: readonly string[];
}

export function TextField({ label, description, placeholder, mono = false, suggestions, ...props }: TextFieldProps) {
  const list = useId();
  return (
    <AriaTextField {...props} className="field">
      <FieldLabel text={label} required={props.isRequired === true} />
      <Input
        className={mono ? 'input mono' : 'input'}
        placeholder={placeholder}
        spellCheck={!mono}
        list={suggestions === undefined ? undefined : list}
      />
      {suggestions !== undefined && (
        <datalist id={list}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
      <FieldNotes description={description} />
    </AriaTextField>
  );
}

interface TextAreaFieldProps extends TextFieldProps {
  readonly rows?: number;
}

export function TextAreaField({
  label,
  description,
  placeholder,
  mono = false,
  rows = 3,
  ...props
}: TextAreaFieldProps) {
  return (
    <AriaTextField {...props} className="field">
      <FieldLabel text={label} required={props.isRequired === true} />
      <TextArea
        className={mono ? 'input mono' : 'input'}
        rows={rows}
        placeholder={placeholder}
        spellCheck={!mono}
        autoCapitalize="off"
      />
      <FieldNotes description={description} />
    </AriaTextField>
  );
}

function FieldLabel({ text, required }: { readonly text: string; readonly required: boolean }) {
  return (
    <Label className="label">
      {text}
      {required && (
        <span className="required" aria-hidden="true">
          {' '}
          *
        </span>
      )}
    </Label>
  );
}

function FieldNotes({ description }: { readonly description: ReactNode }) {
  return (
    <>
      {description !== undefined && (
        <Text slot="description" className="hint">
          {description}
        </Text>
      )}
      <FieldError className="field-error" />
    </>
  );
}

interface SelectFieldProps<Value extends string> {
  readonly label: string;
  readonly name?: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly description?: ReactNode;
  /** Shows the label to assistive technology only. */
  readonly labelHidden?: boolean;
}

/** The browser's own control, which works on every device. */
export function SelectField<Value extends string>({
  label,
  description,
  options,
  onChange,
  labelHidden,
  ...props
}: SelectFieldProps<Value>) {
  const id = useId();
  return (
    <div className="field">
      <label className={labelHidden === true ? 'visually-hidden' : 'label'} htmlFor={id}>
        {label}
      </label>
      <select
        {...props}
        id={id}
        className="input select"
        aria-describedby={description === undefined ? undefined : `${id}-description`}
        onChange={(event) => onChange(event.target.value as Value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {description !== undefined && (
        <span className="hint" id={`${id}-description`}>
          {description}
        </span>
      )}
    </div>
  );
}

interface CheckboxFieldProps {
  readonly label: ReactNode;
  readonly name?: string;
  readonly checked?: boolean;
  readonly defaultChecked?: boolean;
  readonly disabled?: boolean;
  readonly onChange?: (checked: boolean) => void;
  readonly description?: ReactNode;
}

export function CheckboxField({ label, description, onChange, ...props }: CheckboxFieldProps) {
  const id = useId();
  return (
    <div className="checkbox">
      <input
        {...props}
        id={id}
        type="checkbox"
        aria-describedby={description === undefined ? undefined : `${id}-description`}
        onChange={(event) => onChange?.(event.target.checked)}
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
