/** Switches between the light and the dark theme. The default is that of the system. */
import { useState } from 'react';
import { Button } from '../ui/button.tsx';

type Theme = 'light' | 'dark';

export function ThemeToggle() {
  const [theme, setTheme] = useState<Theme>(() =>
    window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  );
  const other = theme === 'dark' ? 'light' : 'dark';
  const toggle = () => {
    document.documentElement.dataset['theme'] = other;
    setTheme(other);
  };
  return (
    <Button small kind="quiet" onPress={toggle}>
      {other === 'dark' ? 'Dark' : 'Light'} theme
    </Button>
  );
}
