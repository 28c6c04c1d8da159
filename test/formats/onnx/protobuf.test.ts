import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMessage, encodeMessage } from '../../../src/formats/onnx/protobuf.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

// Values of the first three: protobuf.dev, "Encoding".
test.each([
  ['a varint', createMessage().int(1, 150), '089601'],
  ['a string', createMessage().text(2, 'testing'), '120774657374696e67'],
  ['packed integers', createMessage().packed(6, [3, 270, 86942]), '3206038e029ea705'],
  ['an embedded message', createMessage().message(3, createMessage().int(1, 150)), '1a03089601'],
  ['a negative integer as ten bytes', createMessage().int(1, -2), '08feffffffffffffffff01'],
  ['an integer above 32 bits', createMessage().int(1, 2 ** 40), '08808080808020'],
  ['a float', createMessage().float(2, 1), '150000803f'],
  ['a field number above 15', createMessage().int(20, 7), 'a00107'],
  ['text that is not ASCII, in bytes', createMessage().text(1, 'é'), '0a02c3a9'],
  ['a blob', createMessage().blob(9, 2, () => Uint8Array.of(1, 255)), '4a0201ff'],
])('%s', (_, message, expected) => {
  expect(hex(encodeMessage(message))).toBe(expected);
});

test('the stated size is the size, however deep the nesting', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 300 }), fc.nat({ max: 6 }), (values, depth) => {
      let message = createMessage().packed(1, values);
      for (let i = 0; i < depth; i++) message = createMessage().int(1, i).message(2, message);
      expect(encodeMessage(message).length).toBe(message.sizeBytes);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('a blob of another size than stated is a defect', () => {
  expect(() => encodeMessage(createMessage().blob(1, 3, () => new Uint8Array(2)))).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('a message that protobuf readers refuse is refused before any blob is made', () => {
  const message = createMessage().blob(1, 2 ** 31, () => {
    throw new Error('made');
  });
  expect(() => encodeMessage(message)).toThrow(expect.objectContaining({ code: 'unsupported' }));
});
