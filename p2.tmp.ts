import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { withPack } from '/tmp/wt/devices/main/src/cli/open-pack-folder.ts';
import { createTokenizer } from '/tmp/wt/devices/main/src/formats/tokenizer.ts';
import { createPackEncoder } from '/tmp/wt/devices/main/src/origin/pack-encoder.ts';
import { readFileSync } from 'node:fs';
function sess(ep: string) {
  return async (model: Uint8Array) => {
    const t=performance.now();
    const s = await InferenceSession.create(model, { executionProviders: [ep], logSeverityLevel: 3, intraOpNumThreads: 1 });
    console.log('create', ep, (model.length/1e6).toFixed(1),'MB', (performance.now()-t).toFixed(0),'ms');
    return {
      async run(feeds: any) {
        const t=performance.now();
        const out = await s.run(Object.fromEntries(Object.entries(feeds).map(([k, v]: any) => [k, new OrtTensor(v.dtype, v.data, v.shape)])));
        console.log('run', ep, (performance.now()-t).toFixed(0),'ms');
        return Object.fromEntries(Object.entries(out).map(([k, v]: any) => [k, { dtype: v.type, shape: v.dims, data: v.data }])) as any;
      },
      release: () => s.release(),
    };
  };
}
await withPack('/tmp/wt/devices/main/packs/sample', async (pack: any) => {
  const m = pack.manifest;
  const tok = createTokenizer(await pack.text(m.tokenizer.file), await pack.text(m.tokenizer.config_file), m.max_tokens);
  const names = m.experts.map((e: any) => e.name);
  const texts = readFileSync('/tmp/wt/devices/main/packs/sample/samples.jsonl', 'utf8').trim().split('\n').map((l) => JSON.parse(l));
  const rows = texts.map((t: any, i: number) => { const enc = tok.encode(t.text, t.text_pair);
    const mix = new Float32Array(names.length); mix[i % names.length] = 0.7; mix[(i + 3) % names.length] += 0.3;
    return { ...enc, mix }; });
  let ref: any;
  for (const [ep, precision] of [['cpu','fp32'],['cpu','fp16'],['webgpu','fp32'],['webgpu','fp16']] as const) {
    if (process.argv[2] && !process.argv[2].includes(ep)) continue;
    try {
      const e = await createPackEncoder(pack, names, { createSession: sess(ep), form: { precision, ownTables: true } });
      const out = await e.run(rows);
      ref ??= out;
      for (const k of ['pooled','features'] as const) {
        let max = 0, mag = 0; const a=ref[k].data,b=out[k].data; for (let i=0;i<a.length;i++){max=Math.max(max,Math.abs(a[i]-b[i]));mag=Math.max(mag,Math.abs(a[i]));}
        console.log(ep, precision, k, 'max diff', max, 'max magnitude', mag, b.length, rows.length);
      }
      await e.release();
    } catch (err: any) { console.log(ep, precision, 'ERR', err.message.slice(0, 600)); }
  }
});
process.exit(0)
