// Work under way, by key: whoever asks for a key meanwhile gets what the one who asked first gets.

/** Joins the work on a key, or starts it. What has ended, well or not, is forgotten. */
export function createFlights<T>(): (key: string | number, start: () => Promise<T>) => Promise<T> {
  const flights = new Map<string | number, Promise<T>>();
  const fly = async (key: string | number, start: () => Promise<T>): Promise<T> => {
    try {
      return await start();
    } finally {
      flights.delete(key);
    }
  };
  return (key, start) => {
    const flight = flights.get(key) ?? fly(key, start);
    flights.set(key, flight);
    return flight;
  };
}
