/** How many there are, and buttons to the previous and the next page. Renders nothing for an empty list. */
import { Button } from './button.tsx';

interface PaginationProps {
  readonly page: number;
  readonly pages: number;
  readonly total: number;
  /** What is listed, in the plural. */
  readonly noun: string;
  readonly onPage: (page: number) => void;
}

export function Pagination({ page, pages, total, noun, onPage }: PaginationProps) {
  return total === 0 ? null : (
    <nav className="row spread" aria-label={`Pages of ${noun}`}>
      <span className="hint">
        {total.toLocaleString('en')} {noun}
        {pages > 1 && `, page ${page} of ${pages}`}
      </span>
      {pages > 1 && (
        <span className="row">
          <Button small isDisabled={page <= 1} onPress={() => onPage(page - 1)}>
            Previous
          </Button>
          <Button small isDisabled={page >= pages} onPress={() => onPage(page + 1)}>
            Next
          </Button>
        </span>
      )}
    </nav>
  );
}
