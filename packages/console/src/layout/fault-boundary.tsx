/** Replaces a page that failed because of an error in the console. */
import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Note } from '../ui/note.tsx';

interface FaultBoundaryProps {
  /** A new location resets the failure. */
  readonly location: string;
  readonly children: ReactNode;
}

export class FaultBoundary extends Component<FaultBoundaryProps, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidUpdate({ location }: FaultBoundaryProps) {
    if (this.state.failed && location !== this.props.location) {
      this.setState({ failed: false });
    }
  }

  override render() {
    return this.state.failed ? (
      <Note tone="danger" title="This page failed" role="alert">
        <p>This is an internal error of the console. Your saved changes are not affected.</p>
        <Button small onPress={() => this.setState({ failed: false })}>
          Reload this page
        </Button>
      </Note>
    ) : (
      this.props.children
    );
  }
}
