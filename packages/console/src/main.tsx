/** Renders the console. */
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './styles/theme.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/content.css';

createRoot(document.getElementById('root') as HTMLElement).render(<App />);
