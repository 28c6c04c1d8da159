// Wasm modules are compiled when the Worker is deployed; importing one gives the compiled module.

declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
