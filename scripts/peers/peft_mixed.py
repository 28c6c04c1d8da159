"""PEFT's mixed-adapter batches in torch, for scripts/bench/origin.bench.ts.

    python peft_mixed.py THREADS BASE ADAPTER...

Reads tasks from stdin and answers each with what its rows took, a line of JSON each. Rows wait in a queue of `inFlight`, and every batch takes the
32 that are nearest in length to each other, so that little of it is padding; every row names its own adapter (`adapter_names`). With the way
"plain" the base runs without adapters.
"""

import json
import sys
import tempfile
import time

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModel, logging

BATCH = 32

logging.set_verbosity_error()
logging.disable_progress_bar()


def without_head(folder, out):
    """Heads are no part of what is compared, and PEFT mixes only adapters that have none."""
    config = json.load(open(f'{folder}/adapter_config.json'))
    json.dump({**config, 'task_type': None, 'modules_to_save': None}, open(f'{out}/adapter_config.json', 'w'))
    weights = load_file(f'{folder}/adapter_model.safetensors')
    own = {name.replace('base_model.model.bert.', 'base_model.model.'): value for name, value in weights.items() if '.lora_' in name}
    save_file(own, f'{out}/adapter_model.safetensors')
    return out


def load(base, folders):
    model = None
    for index, folder in enumerate(folders):
        with tempfile.TemporaryDirectory() as work:
            path = without_head(folder, work)
            name = f'a{index}'
            if model is None:
                model = PeftModel.from_pretrained(AutoModel.from_pretrained(base, dtype=torch.float32), path, adapter_name=name)
            else:
                model.load_adapter(path, adapter_name=name)
    return model.eval()


def padded(rows):
    longest = max(len(row['ids']) for row in rows)
    ids, mask, types = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
    for i, row in enumerate(rows):
        length = len(row['ids'])
        ids[i, :length] = torch.tensor(row['ids'])
        types[i, :length] = torch.tensor(row['types'])
        mask[i, :length] = 1
    return {'input_ids': ids, 'attention_mask': mask, 'token_type_ids': types}


def batches(rows, in_flight):
    for start in range(0, len(rows), in_flight):
        waiting = sorted(rows[start : start + in_flight], key=lambda row: len(row['ids']))
        yield from (waiting[i : i + BATCH] for i in range(0, len(waiting), BATCH))


@torch.inference_mode()
def measure(mixed, plain, task):
    start = time.perf_counter()
    runs = 0
    for batch in batches(task['rows'], task['inFlight']):
        if task.get('way') == 'plain':
            plain(**padded(batch))
        else:
            mixed(**padded(batch), adapter_names=[f"a{row['expert']}" for row in batch])
        runs += 1
    return {'ms': 1000 * (time.perf_counter() - start), 'rowsPerRun': len(task['rows']) / runs}


def main():
    threads, base, *adapters = sys.argv[1:]
    torch.set_num_threads(int(threads))
    mixed, plain = load(base, adapters), AutoModel.from_pretrained(base, dtype=torch.float32).eval()
    print('ready', flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(mixed, plain, json.loads(line))), flush=True)


main()
