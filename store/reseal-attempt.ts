/** What was met, by a name that may be shown. */
export interface Meeting {
  readonly name: string;
  readonly met: Met;
}

/** How one sealed value was met. */
export type Met = 'resealed' | 'current' | 'unreadable' | 'gone';

type Attempt =
  { readonly met: 'resealed'; readonly sealed: Buffer } | { readonly met: 'current' } | { readonly met: 'unreadable' };

/** One value that no key opens must not keep the others from being sealed anew; it is named in the result. */
export function attempt(seal: () => Buffer | undefined): Attempt {
  try {
    const sealed = seal();
    return sealed === undefined ? { met: 'current' } : { met: 'resealed', sealed };
  } catch {
    return { met: 'unreadable' };
  }
}
