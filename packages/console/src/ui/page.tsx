/** A page: its heading, which gets the focus on navigation, a description, and actions. */
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';

interface PageProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  /** The parent page. */
  readonly back?: { readonly href: string; readonly title: string };
  readonly children: ReactNode;
}

/** The first page after loading leaves the focus as it is. */
let visited = false;

export function Page({ title, description, actions, back, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (visited) {
      heading.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    visited = true;
  }, []);
  return (
    <>
      <title>{`${title} · Postern`}</title>
      <header className="row spread page-header">
        <div>
          {back !== undefined && (
            <Link href={back.href} className="back">
              <span aria-hidden="true">← </span>
              {back.title}
            </Link>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {description !== undefined && <div className="stack page-description">{description}</div>}
        </div>
        {actions !== undefined && <div className="row">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface SectionProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ title, description, actions, children }: SectionProps) {
  return (
    <section className="stack section">
      <div className="row spread section-header">
        <div>
          <h2>{title}</h2>
          {description !== undefined && <p className="hint">{description}</p>}
        </div>
        {actions !== undefined && <div className="row">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

export type Fact = readonly [name: string, value: ReactNode, note?: string];

/** A list of names and values. */
export function Facts({ facts, large = false }: { readonly facts: readonly Fact[]; readonly large?: boolean }) {
  return (
    <dl className={large ? 'facts facts-large' : 'facts'}>
      {facts.map(([name, value, note]) => (
        <div key={name} className="panel">
          <dt>{name}</dt>
          <dd className="value">{value}</dd>
          {note !== undefined && <dd className="hint">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
