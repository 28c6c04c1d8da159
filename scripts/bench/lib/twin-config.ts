// Build configs that benches derive from one of the project's.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig, type NamedConfig } from '../../../src/build/read-config.ts';
import { PACKAGE_ROOT } from '../../../src/cli/package-root.ts';

/** The config at `file`, its paths (relative to the project) made absolute, so that a config derived from it may lie anywhere. */
export function loadConfig(file: string): NamedConfig {
  const path = resolve(PACKAGE_ROOT, file);
  const config = readConfig(readFileSync(path, 'utf8'), path);
  return {
    ...config,
    base_model: resolve(PACKAGE_ROOT, config.base_model),
    models: config.models.map((model) => ({
      ...model,
      model: resolve(PACKAGE_ROOT, model.model),
      ...(model.examples !== undefined && { examples: resolve(PACKAGE_ROOT, model.examples) }),
    })),
  };
}

/** Writes a config as JSON, which YAML reads. */
export function saveConfig(file: string, config: NamedConfig): void {
  // Reading gave every parameter its default, and a pack of factors refuses those of other methods.
  const { scale: _scale, gate: _gate, ...ofTwin } = config.parameters;
  const parameters = config.merge_method === 'twin' ? ofTwin : config.parameters;
  writeFileSync(file, JSON.stringify({ ...config, parameters }, null, 2));
}
