import { Component, type ReactNode } from "react";

/** A room that cannot be loaded, or broke, does not take the page with it. */
export class Fallen extends Component<{ children: ReactNode }, { hasFallen: boolean }> {
  override state = { hasFallen: false };

  static getDerivedStateFromError = () => ({ hasFallen: true });

  override render(): ReactNode {
    if (!this.state.hasFallen) return this.props.children;
    return (
      <div className="panel notice" role="alert">
        <h1>This room did not open.</h1>
        <p>The gateway may be away for a moment. Nothing that you made is lost.</p>
        <button className="primary" onClick={() => window.location.reload()}>
          Load the page again
        </button>
      </div>
    );
  }
}
