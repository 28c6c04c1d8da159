// Where bytes come from, as an interface: formats parse, hosts read. A folder of a pack, a checkpoint or an R2 bucket all look
// like this to a parser, which asks for the ranges it needs and never for a path.

/** Random access to immutable bytes. */
export interface ByteSource {
  /** Shown in errors: a path or a URL. */
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset`.
   * @param into `length` bytes that the source may read into, and then returns; a source that has no use for them returns others
   * @throws {TwinrouteError} `format` when the range is not inside the source
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A folder of sources. */
export interface FolderSource {
  /** Shown in errors. */
  readonly name: string;
  /** The file of that relative name, or undefined when there is none. The caller closes nothing: sources live as long as their folder. */
  open(file: string): Promise<ByteSource | undefined>;
  /** Relative names of the folder's own files, sorted. */
  list(): Promise<readonly string[]>;
}

const CHUNK_BYTES = 1 << 20;

/** All bytes of a source, in chunks of 1 MiB. */
export async function* readChunks(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.sizeBytes; offset += CHUNK_BYTES)
    yield source.read(offset, Math.min(CHUNK_BYTES, source.sizeBytes - offset));
}
