/** How far long work has come: one line on a terminal that is written over, and nothing anywhere else. */

export interface Progress {
  /** Says what is done now; `total` where it is known. */
  report(done: number, total?: number): void;
  /** Takes the line away. */
  end(): void;
}

/** `label` says what is counted, such as "clients read". */
export function startProgress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) {
    return { report: () => undefined, end: () => undefined };
  }
  return {
    report: (done, total) =>
      void stream.write(`\r\u001b[K${done}${total === undefined ? '' : ` of ${total}`} ${label}`),
    end: () => void stream.write('\r\u001b[K'),
  };
}
