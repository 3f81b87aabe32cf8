/** The value of a moment ago, so that the server is not asked at every keystroke. */
import { useEffect, useState } from 'react';

/** How long after the last keystroke, in milliseconds. */
const delayMs = 250;

export function useDelayed<T>(value: T): T {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setDelayed(value), delayMs);
    return () => window.clearTimeout(timer);
  }, [value]);
  return delayed;
}
