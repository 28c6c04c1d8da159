// Values that are made when they are first asked for, and kept.

/** The value of `make`, which is called once. */
export function once<T>(make: () => T): () => T {
  let value: { readonly made: T } | undefined;
  return () => (value ??= { made: make() }).made;
}

/** A value for each key: that of the first `make` that came with it. */
export function onceEach<V>(): (key: string, make: () => V) => V {
  const made = new Map<string, { readonly value: V }>();
  return (key, make) => {
    const known = made.get(key) ?? { value: make() };
    made.set(key, known);
    return known.value;
  };
}
