/** The progress of long work: one line that is overwritten on a terminal, and nothing anywhere else. */

export interface Progress {
  /** Shows how much is done, and of how much, if that is known. */
  report(done: number, total?: number): void;
  /** Removes the line. */
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
