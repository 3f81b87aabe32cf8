/** Calls over the network, with explained faults. */
import { explainNetworkFault } from './network-fault.ts';

/** Returns what `work` returns. Throws `CommandError` if the server cannot be reached. */
export async function reach<T>(server: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainNetworkFault(server, error);
  }
}
