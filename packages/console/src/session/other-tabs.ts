/** Tells the other tabs of this browser that somebody has signed in or out. WHATWG HTML, BroadcastChannel. */

type News = 'signed in' | 'signed out';

/** Only pages of the same origin receive it, and the path separates two servers there. */
const channel = new BroadcastChannel(`postern ${new URL(document.baseURI).pathname}`);

export function tellOtherTabs(news: News): void {
  channel.postMessage(news);
}

/** Returns what ends the listening. */
export function listenToOtherTabs(listener: (news: News) => void): () => void {
  const receive = ({ data }: MessageEvent<News>) => listener(data);
  channel.addEventListener('message', receive);
  return () => channel.removeEventListener('message', receive);
}
