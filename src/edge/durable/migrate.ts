// The tables of a Durable Object, brought up to date when it starts.

/**
 * Runs the statements that this object has not yet run, each once in its life, in one transaction.
 * @param statements SQL, oldest first; only ever append
 */
export function migrate(storage: DurableObjectStorage, statements: readonly string[]): void {
  const done = storage.kv.get<number>('schema') ?? 0;
  if (done >= statements.length) return;
  storage.transactionSync(() => {
    for (const statement of statements.slice(done)) storage.sql.exec(statement);
    storage.kv.put('schema', statements.length);
  });
}
