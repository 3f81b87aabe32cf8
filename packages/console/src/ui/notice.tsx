/** A short confirmation at the edge of the page, also for assistive technology. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react';

const NoticeContext = createContext<(text: string) => void>(() => {});

/** Shows a line for five seconds. */
export function useNotice(): (text: string) => void {
  return useContext(NoticeContext);
}

export function NoticeProvider({ children }: { readonly children: ReactNode }) {
  const [text, setText] = useState('');
  const timer = useRef<number>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const notify = useCallback((line: string) => {
    setText(line);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setText(''), 5_000);
  }, []);
  return (
    <NoticeContext value={notify}>
      {children}
      <div className={text === '' ? 'notice notice-empty' : 'notice'} role="status">
        {text}
      </div>
    </NoticeContext>
  );
}
