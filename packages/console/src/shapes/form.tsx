/** Forms: their values, and what is around the fields: why saving failed, and the buttons. */
import { type ReactNode, useState } from 'react';
import type { Call, Edit } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { CallError } from './call-error.tsx';

/** `field(name)` has the props of the field that edits that value. */
export function useForm<Values extends object>(initial: Values) {
  const [values, setValues] = useState(initial);
  const set = (change: Partial<Values>) => setValues((now) => ({ ...now, ...change }));
  const field = <Name extends keyof Values>(name: Name) => ({
    value: values[name],
    onChange: (value: Values[Name]) => set({ [name]: value } as unknown as Partial<Values>),
  });
  return { values, set, field };
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
          {/* If the field lost the focus first, its error would go, and the button move away from below the pointer. */}
          <Button kind="primary" type="submit" pending={call.pending} preventFocusOnPress>
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
