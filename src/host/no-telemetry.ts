// onnxruntime 1.30 tells its makers of sessions and devices, and keeps a device id and a database below ~/.cache/Microsoft, unless this variable is
// set before its library is loaded. Whoever loads it, or starts a thread that does, imports this file first: a thread's own environment is a copy that
// the library does not see. A variable that is set already is left as it is.

process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
