/** Reads from the management API, and shows a placeholder, an error, or the answer. */
import type { Page, Read } from '@postern/admin';
import type { ReactNode } from 'react';
import { Loaded } from '../ui/loaded.tsx';
import { useAll, useRead } from './use-admin.ts';

interface ReadOneProps<Answer> {
  readonly operation: Read<Answer>;
  readonly children: (answer: Answer) => ReactNode;
}

export function ReadOne<Answer>({ operation, children }: ReadOneProps<Answer>) {
  return <Loaded query={useRead(operation)}>{children}</Loaded>;
}

interface ReadAllProps<Item> {
  readonly list: Read<Page<Item>>;
  readonly children: (items: Item[]) => ReactNode;
}

/** Reads all pages of a short list. */
export function ReadAll<Item>({ list, children }: ReadAllProps<Item>) {
  return <Loaded query={useAll(list)}>{children}</Loaded>;
}
