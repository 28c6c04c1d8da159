// Waiting, but not for ever.

/**
 * What `work` resolves to.
 * @param late makes the error to throw when it takes longer; it may take effect all the same
 */
export async function within<T>(work: Promise<T> | T, limitMs: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
