import { expect, test } from 'vitest';
import { TwinrouteError } from '../../../src/core/errors.ts';
import { safeError } from '../../../src/core/observe/safe-error.ts';

const SECRET = 'my private text';

test('of an error of ours what was expected is told, never what came', () => {
  const error = new TwinrouteError('upstream', `origin left: expected status 200, got 500: ${SECRET}`, { cause: new Error(SECRET) });
  const told = safeError(error);
  expect(told).toMatchObject({ error: 'upstream', message: 'origin left: expected status 200', cause: { error: 'Error' } });
  expect(JSON.stringify(told)).not.toContain(SECRET);
});

test.each([
  `origin answer: outputs[0].parameters.${SECRET}: Invalid input: expected string, received number`,
  `origin left: ${SECRET}: expected this`,
  `${SECRET}: expected a, got b`.replaceAll(' ', '"'),
  `x: "${SECRET}" expected y, got z`,
])('a message in another form is told by its first word: %s', (message) => {
  const told = JSON.stringify(safeError(new TwinrouteError('upstream', message)));
  expect(told).not.toContain('private');
});

test('a defect is told by its class and places, never by its message', () => {
  let thrown: unknown;
  try {
    JSON.parse(`{"text": ${SECRET}}`);
  } catch (error) {
    thrown = error;
  }
  const told = safeError(new TwinrouteError('internal', 'edge: expected no defect, got one', { cause: thrown }));
  expect(told).toMatchObject({ message: 'edge: expected no defect', cause: { error: 'SyntaxError' } });
  expect(told.cause?.at?.some((place) => place.includes('safe-error.test.ts'))).toBe(true);
  expect(JSON.stringify(told)).not.toContain('private');
});

test('a message over many lines leaves no line in the stack', () => {
  const error = new TypeError(`one\n    at ${SECRET}!\ntwo`);
  expect(JSON.stringify(safeError(error))).not.toContain('private');
});

test('what is no error, and endless causes', () => {
  expect(safeError(SECRET)).toEqual({ error: 'string' });
  const error = new Error('a');
  error.cause = error;
  expect(JSON.stringify(safeError(error)).match(/cause/g)).toHaveLength(3);
});
