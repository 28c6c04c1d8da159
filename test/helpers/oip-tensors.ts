// The tensors of a served model as its metadata tells them, and as Triton's configuration does, written out: origins and the edge have to tell the same.

/** Inputs of a model of three experts. */
export const TEXT_MODEL_INPUTS = [
  { name: 'text', datatype: 'BYTES', shape: [-1] },
  { name: 'text_pair', datatype: 'BYTES', shape: [-1] },
  { name: 'mix', datatype: 'FP32', shape: [-1, 3] },
  { name: 'head', datatype: 'BYTES', shape: [-1] },
];

/** What every answer of such a model holds, whose widest head has three classes. */
export const ANSWER_OUTPUTS = [
  { name: 'logits', datatype: 'FP32', shape: [-1, 3] },
  { name: 'classes', datatype: 'INT32', shape: [-1] },
  { name: 'label', datatype: 'BYTES', shape: [-1] },
  { name: 'head', datatype: 'BYTES', shape: [-1] },
  { name: 'tokens', datatype: 'INT32', shape: [-1] },
  { name: 'truncated', datatype: 'BOOL', shape: [-1] },
];
