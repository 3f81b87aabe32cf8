/** The logo and the name. */
export function Brand() {
  return (
    <span className="brand">
      <svg viewBox="0 0 16 16" width="24" height="24" aria-hidden="true">
        <path className="brand-wall" d="M1 1h14v14h-3V8a4 4 0 0 0-8 0v7H1z" />
        <path className="brand-door" d="M5.5 15V8a2.5 2.5 0 0 1 5 0v7z" />
      </svg>
      Postern
    </span>
  );
}
