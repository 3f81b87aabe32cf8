/** Calls over the network, with what may go wrong there in words. */
import { explainNetworkFault } from './network-fault.ts';

/** What `work` gives. Throws `CommandError` where the server cannot be reached. */
export async function reach<T>(server: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainNetworkFault(server, error);
  }
}
