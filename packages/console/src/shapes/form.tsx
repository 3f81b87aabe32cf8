/** Forms: their values, and what is around the fields: why saving failed, and the buttons. */
import { type ReactNode, type SetStateAction, useState } from 'react';
import type { Call, Edit } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { CallError } from './call-error.tsx';

/**
 * `field(name)` has the props of the field that edits that value. A field that edits a part of its value passes a function of the
 * present value: several fields can change before the form is rendered again, and none may undo what another one has changed.
 */
export function useForm<Values extends object>(initial: Values) {
  const [values, setValues] = useState(initial);
  const field = <Name extends keyof Values>(name: Name) => ({
    value: values[name],
    onChange: (change: SetStateAction<Values[Name]>) =>
      setValues((now) => ({
        ...now,
        [name]: typeof change === 'function' ? (change as (value: Values[Name]) => Values[Name])(now[name]) : change,
      })),
  });
  return { values, field };
}

interface FormProps {
  /** Saves the values. */
  readonly call: Pick<Call<unknown>, 'run' | 'pending' | 'error'> & Partial<Pick<Edit<unknown>, 'conflict'>>;
  /** The label of the button that saves; without it there is none. */
  readonly action: string | undefined;
  readonly cancel?: ReactNode;
  readonly errorTitle?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Form({ call, action, cancel, errorTitle, className = 'stack', children }: FormProps) {
  return (
    <form
      className={className}
      onSubmit={(event) => {
        event.preventDefault();
        call.run();
      }}
    >
      {children}
      <CallError title={errorTitle} call={call} />
      {action !== undefined && (
        <div className="row actions">
          {cancel}
          <Button kind="primary" type="submit" pending={call.pending}>
            {action}
          </Button>
        </div>
      )}
    </form>
  );
}

interface FormDialogProps extends Omit<FormProps, 'cancel'> {
  readonly title: string;
  readonly wide?: boolean;
  readonly onClose: () => void;
}

export function FormDialog({ title, wide, onClose, ...form }: FormDialogProps) {
  return (
    <Dialog title={title} wide={wide} onClose={onClose}>
      <Form {...form} cancel={<Button onPress={onClose}>Cancel</Button>} />
    </Dialog>
  );
}
