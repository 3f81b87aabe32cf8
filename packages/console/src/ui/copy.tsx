/** Text to copy: an ID, a secret, a program. */
import { useEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';

interface CopyButtonProps {
  readonly text: string;
  /** What is copied, for assistive technology. */
  readonly what: string;
}

type Outcome = 'none' | 'copied' | 'failed';

const labels = { none: 'Copy', copied: 'Copied', failed: 'Copying is blocked' };

export function CopyButton({ text, what }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<Outcome>('none');
  const timer = useRef<number>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const copy = async () => {
    setOutcome((await copyText(text)) ? 'copied' : 'failed');
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setOutcome('none'), 2_000);
  };
  return (
    <Button small onPress={() => void copy()} aria-label={outcome === 'none' ? `Copy ${what}` : undefined}>
      <span aria-live="polite">{labels[outcome]}</span>
    </Button>
  );
}

/** The clipboard API needs https or localhost; elsewhere the older way is used. */
async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => copyBySelection(text),
    );
  }
  return copyBySelection(text);
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}

interface CopyFieldProps {
  readonly label: string;
  readonly value: string;
}

export function CopyField({ label, value }: CopyFieldProps) {
  return (
    <div className="field">
      <span className="label">{label}</span>
      <div className="row spread copy-box">
        <code>{value}</code>
        <CopyButton text={value} what={label} />
      </div>
    </div>
  );
}

export function CodeBlock({ code, what }: { readonly code: string; readonly what: string }) {
  return (
    <div className="code-block">
      <div className="code-copy">
        <CopyButton text={code} what={what} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <section tabIndex={0} aria-label={what}>
        <pre>
          <code>{code}</code>
        </pre>
      </section>
    </div>
  );
}
