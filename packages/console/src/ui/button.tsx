/** Buttons, and links that look like them. */

import type { MouseEvent, ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, type PressEvent } from 'react-aria-components';
import { Link } from 'wouter';

type Kind = 'primary' | 'secondary' | 'danger' | 'quiet';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'isPending'> {
  readonly kind?: Kind;
  readonly small?: boolean;
  /** It was pressed, and its action is in progress. */
  readonly pending?: boolean;
}

/**
 * The focus moves when a press ends: a field that lost it when the press begins could lose its error too, and the button would move
 * away from below the pointer.
 */
const keepFocus = (event: MouseEvent) => event.preventDefault();

/** While pending, it keeps the focus and ignores presses. */
export function Button({ kind = 'secondary', small = false, pending = false, onPress, ...props }: ButtonProps) {
  const press = (event: PressEvent) => {
    (event.target as HTMLElement).focus({ preventScroll: true });
    onPress?.(event);
  };
  return pending ? (
    <AriaButton {...props} type="button" className={`${classOf(kind, small)} button-pending`} />
  ) : (
    <AriaButton {...props} onMouseDown={keepFocus} onPress={press} className={classOf(kind, small)} />
  );
}

interface LinkButtonProps {
  readonly href: string;
  readonly kind?: Kind;
  readonly children: ReactNode;
}

export function LinkButton({ href, kind = 'secondary', children }: LinkButtonProps) {
  return (
    <Link href={href} className={classOf(kind, false)} onMouseDown={keepFocus}>
      {children}
    </Link>
  );
}

function classOf(kind: Kind, small: boolean): string {
  return `button button-${kind}${small ? ' button-small' : ''}`;
}
