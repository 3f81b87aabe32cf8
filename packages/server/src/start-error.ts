/** What stops a start. Its message is one line for the person who starts the server. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Names the variable, what is wrong with its value, and a value that is right. */
export function invalidVariable(name: string, fault: string, example: string, options?: ErrorOptions): StartError {
  return new StartError(`${name}: ${fault}. Example: ${name}=${example}`, options);
}

/** Names the variable, why it must be set, and a value that is right. */
export function missingVariable(name: string, why: string, example: string): StartError {
  return new StartError(`${name} is missing: ${why}. Example: ${name}=${example}`);
}
