/** What is shown in the place of a page that fails: the fault is ours, and the rest goes on. */
import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Note } from '../ui/note.tsx';

interface FaultBoundaryProps {
  /** Another page gets another try. */
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
      <Note kind="danger" title="This page failed" role="alert">
        <p>That is a fault of the console; what you changed before is kept. The HTTP API goes on.</p>
        <Button small onPress={() => this.setState({ failed: false })}>
          Show it again
        </Button>
      </Note>
    ) : (
      this.props.children
    );
  }
}
