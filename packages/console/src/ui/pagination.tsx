/** How many there are, and buttons to the previous and the next page. Renders nothing for an empty list. */
import { useState } from 'react';
import { Button } from './button.tsx';

/** Items on a page. */
export const pageSize = 25;

/** Which page of a list is shown. */
export interface Place {
  /** Where it begins. */
  readonly cursor: string;
  /** Counts from 1. */
  readonly page: number;
}

export const firstPage: Place = { cursor: '', page: 1 };

interface PaginationProps {
  readonly total: number;
  readonly next_cursor?: string | null;
  readonly place: Place;
  /** What is listed, in the plural. */
  readonly noun: string;
  readonly onPlace: (place: Place) => void;
}

export function Pagination({ total, next_cursor: next = null, place, noun, onPlace }: PaginationProps) {
  /** The pages before this one, as far as they were shown. */
  const [shown, setShown] = useState<readonly Place[]>([]);
  const before = shown.filter(({ page }) => page < place.page);
  const pages = Math.max(Math.ceil(total / pageSize), place.page);
  return total === 0 ? null : (
    <nav className="row spread" aria-label={`Pages of ${noun}`}>
      <span className="hint">
        {total.toLocaleString('en')} {total === 1 ? singularOf(noun) : noun}
        {pages > 1 && `, page ${place.page} of ${pages}`}
      </span>
      {pages > 1 && (
        <span className="row">
          <Button small isDisabled={place.page <= 1} onPress={() => onPlace(before.at(-1) ?? firstPage)}>
            Previous
          </Button>
          <Button
            small
            isDisabled={next === null}
            onPress={() => {
              setShown([...before, place]);
              onPlace({ cursor: next ?? '', page: place.page + 1 });
            }}
          >
            Next
          </Button>
        </span>
      )}
    </nav>
  );
}

const singularOf = (noun: string) => noun.replace(/ies$/, 'y').replace(/s$/, '');
