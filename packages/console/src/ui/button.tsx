/** Buttons, and links that look like them. */

import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components';
import { Link } from 'wouter';

type Kind = 'primary' | 'secondary' | 'danger' | 'quiet';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'isPending'> {
  readonly kind?: Kind;
  readonly small?: boolean;
  /** It was pressed, and its action is in progress. */
  readonly pending?: boolean;
}

/** While pending, it keeps the focus and ignores presses. */
export function Button({ kind = 'secondary', small = false, pending = false, ...props }: ButtonProps) {
  return pending ? (
    <AriaButton {...props} type="button" onPress={undefined} className={`${classOf(kind, small)} button-pending`} />
  ) : (
    <AriaButton {...props} className={classOf(kind, small)} />
  );
}

interface LinkButtonProps {
  readonly href: string;
  readonly kind?: Kind;
  readonly children: ReactNode;
}

export function LinkButton({ href, kind = 'secondary', children }: LinkButtonProps) {
  return (
    <Link href={href} className={classOf(kind, false)}>
      {children}
    </Link>
  );
}

function classOf(kind: Kind, small: boolean): string {
  return `button button-${kind}${small ? ' button-small' : ''}`;
}
