"""Asks a server of the Open Inference Protocol v2 in every way that NVIDIA's tritonclient[http] has, and prints a line of JSON for each check.

Run by scripts/tritonclient.ts. Reads a job from stdin:
{"servers": {NAME: {"url": "host:port", "headers": {...}}}, "model": NAME, "version": ID, "experts": [NAME, ...], "labels": {NAME: [...]}}.
"""

import asyncio
import json
import sys
import http.client

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

JOB = json.load(sys.stdin)
MODEL, VERSION, EXPERTS = JOB["model"], JOB["version"], JOB["experts"]
TEXTS = ["A film full of joy and wit.", "Ein schöner Tag 👩‍👩‍👧", "What is a sextant used for ?", "x"]
CHECKS = []


def check(title, only=None):
    """Registers a check; `only` names the one server that it is for."""

    def register(function):
        CHECKS.append((title, only, function))
        return function

    return register


class Server:
    def __init__(self, name, url, headers):
        self.name, self.url, self.headers = name, url, headers
        self.client = triton.InferenceServerClient(url, concurrency=8)

    def infer(self, inputs, **options):
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.infer(options.pop("model", MODEL), inputs, headers=headers, **options)


def tensor(name, values, datatype="BYTES", binary=True):
    array = np.array(values, dtype=np.float32) if datatype == "FP32" else np.array([v.encode() for v in values], dtype=np.object_)
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=binary)
    return given


def question(rows=TEXTS, binary=True):
    """Texts with a whole expert each: what both servers answer alike."""
    heads = [EXPERTS[i % len(EXPERTS)] for i in range(len(rows))]
    weights = [[1.0 if name == head else 0.0 for name in EXPERTS] for head in heads]
    return [tensor("text", rows, binary=binary), tensor("mix", weights, "FP32", binary), tensor("head", heads, binary=binary)]


def same(one, other):
    for name in ("logits", "classes", "label", "head", "tokens", "truncated"):
        a, b = one.as_numpy(name), other.as_numpy(name)
        assert a.shape == b.shape, f"{name}: {a.shape} and {b.shape}"
        if name == "logits":
            assert np.allclose(a, b, atol=1e-4), f"logits differ by {np.abs(a - b).max()}"
        else:
            a, b = (np.array([v if isinstance(v, bytes) else str(v).encode() for v in t.flatten()]) for t in (a, b))
            assert (a == b).all(), f"{name}: {a} and {b}"


def refused(status, work):
    try:
        work()
    except InferenceServerException as error:
        assert error.status() == str(status), f"expected status {status}, got {error.status()}: {error.message()}"
        assert len(error.message()) > 10 and "exception occurred in the client" not in error.message(), error.message()
        return error.message()
    raise AssertionError(f"expected status {status}, got an answer")


@check("is_server_live, is_server_ready")
def _(server):
    assert server.client.is_server_live() and server.client.is_server_ready()


@check("is_model_ready, with and without a version")
def _(server):
    assert server.client.is_model_ready(MODEL, headers=server.headers)
    assert server.client.is_model_ready(MODEL, VERSION, headers=server.headers)
    assert not server.client.is_model_ready("nope", headers=server.headers)


@check("get_server_metadata")
def _(server):
    metadata = server.client.get_server_metadata()
    assert metadata["name"] == "twinroute" and "binary_tensor_data" in metadata["extensions"]
    return metadata["version"]


@check("get_model_metadata")
def _(server):
    metadata = server.client.get_model_metadata(MODEL, headers=server.headers)
    assert metadata["versions"] == [VERSION]
    assert [t["name"] for t in metadata["inputs"]] == ["text", "text_pair", "mix", "head"]
    answer = server.infer(question())
    told = {t["name"]: t for t in metadata["outputs"]}
    for output in answer.get_response()["outputs"]:
        declared = told[output["name"]]
        assert declared["datatype"] == output["datatype"]
        assert all(d in (-1, s) for d, s in zip(declared["shape"], output["shape"], strict=True)), output


@check("get_model_config")
def _(server):
    config = server.client.get_model_config(MODEL, VERSION, headers=server.headers)
    assert config["name"] == MODEL and config["max_batch_size"] == 0
    assert config["input"][0] == {"name": "text", "data_type": "TYPE_STRING", "dims": [-1], "optional": False}


@check("get_model_repository_index")
def _(server):
    index = server.client.get_model_repository_index(headers=server.headers)
    assert {"name": MODEL, "version": VERSION, "state": "READY", "reason": ""} in index


@check("infer: binary in and out")
def _(server):
    answer = server.infer(question())
    assert answer.get_response()["model_name"] == MODEL and answer.get_response()["model_version"] == VERSION
    assert [v.decode() for v in answer.as_numpy("head")] == [EXPERTS[i % len(EXPERTS)] for i in range(len(TEXTS))]
    for row, head in enumerate(answer.as_numpy("head")):
        labels = JOB["labels"][head.decode()]
        assert answer.as_numpy("classes")[row] == len(labels)
        best = int(np.argmax(answer.as_numpy("logits")[row, : len(labels)]))
        assert answer.as_numpy("label")[row].decode() == (labels[best] if len(labels) > 1 else "")


@check("infer: JSON in and out")
def _(server):
    outputs = [triton.InferRequestedOutput(n, binary_data=False) for n in ("logits", "classes", "label", "head", "tokens", "truncated")]
    same(server.infer(question(binary=False), outputs=outputs), server.infer(question()))


@check("infer: JSON and bytes side by side")
def _(server):
    text, mix, head = question()
    plain = question(binary=False)
    outputs = [triton.InferRequestedOutput("label", binary_data=False), triton.InferRequestedOutput("logits")]
    answer = server.infer([plain[0], mix, plain[2]], outputs=outputs)
    assert [o["name"] for o in answer.get_response()["outputs"]] == ["label", "logits"]
    assert "data" in answer.get_output("label") and "data" not in answer.get_output("logits")
    assert np.allclose(answer.as_numpy("logits"), server.infer([text, mix, head]).as_numpy("logits"), atol=1e-4)


@check("infer: 64 rows in one request")
def _(server):
    rows = [f"{TEXTS[i % 4]} {i}" for i in range(64)]
    assert server.infer(question(rows)).as_numpy("logits").shape[0] == 64


@check("infer: text_pair, some rows without")
def _(server):
    pairs = tensor("text_pair", ["A person is happy.", "", "To measure angles .", ""])
    paired, alone = server.infer([*question(), pairs]).as_numpy("tokens"), server.infer(question()).as_numpy("tokens")
    assert [bool(p > a) for p, a in zip(paired, alone)] == [True, False, True, False]


@check("infer: columns of the mix by parameter")
def _(server):
    experts = EXPERTS[1::-1]
    mix = tensor("mix", [[0.75, 0.25]], "FP32")
    mix._parameters["experts"] = ",".join(experts)
    answer = server.infer([tensor("text", TEXTS[:1]), mix])
    assert answer.as_numpy("head")[0].decode() == experts[0]


@check("infer: routed by the edge", only="edge")
def _(server):
    answer = server.infer([tensor("text", TEXTS[:1])], parameters={"top_k": 1})
    mix = answer.as_numpy("mix")[0]
    assert np.count_nonzero(mix) <= 1 and answer.as_numpy("covered")[0] == 1
    return answer.as_numpy("head")[0].decode()


@check("infer: request_id, model_version")
def _(server):
    answer = server.infer(question(), request_id="mine-1", model_version=VERSION)
    assert answer.get_response()["id"] == "mine-1"


@check("infer: timeout, sequence and priority parameters")
def _(server):
    server.infer(question(), timeout=5_000_000, priority=1, sequence_id=5, sequence_start=True, sequence_end=True)
    return refused(504, lambda: server.infer(question(), timeout=1))


for algorithm in ("gzip", "deflate"):

    @check(f"infer: {algorithm}, both ways")
    def _(server, algorithm=algorithm):
        rows = TEXTS * 8
        same(
            server.infer(question(rows), request_compression_algorithm=algorithm, response_compression_algorithm=algorithm),
            server.infer(question(rows)),
        )
        body, length = triton.InferenceServerClient.generate_request_body(question(rows))
        connection = http.client.HTTPConnection(server.url)
        headers = {**server.headers, "Inference-Header-Content-Length": str(length), "Accept-Encoding": algorithm}
        connection.request("POST", f"/v2/models/{MODEL}/infer", body, headers)
        response = connection.getresponse()
        assert response.getheader("Content-Encoding") == algorithm, response.getheader("Content-Encoding")
        content = response.read()
        parsed = triton.InferenceServerClient.parse_response_body(
            content, header_length=int(response.getheader("Inference-Header-Content-Length")), content_encoding=algorithm
        )
        same(parsed, server.infer(question(rows)))
        return f"{len(content)} bytes"


@check("async_infer: 16 requests at once")
def _(server):
    pending = [server.client.async_infer(MODEL, question(), headers=dict(server.headers), request_id=str(i)) for i in range(16)]
    expected = server.infer(question())
    for i, request in enumerate(pending):
        answer = request.get_result()
        assert answer.get_response()["id"] == str(i)
        same(answer, expected)


@check("tritonclient.http.aio")
def _(server):
    async def ask():
        async with triton_aio.InferenceServerClient(server.url) as client:
            assert await client.is_server_ready()
            return await asyncio.gather(*(client.infer(MODEL, question(), headers=dict(server.headers)) for _ in range(4)))

    expected = server.infer(question())
    for answer in asyncio.run(ask()):
        same(answer, expected)


@check("errors: unknown model, version, head, output")
def _(server):
    refused(404, lambda: server.infer(question(), model="nope"))
    refused(404, lambda: server.infer(question(), model_version="7"))
    refused(404, lambda: server.infer([tensor("text", ["a"]), tensor("head", ["nobody"])]))
    refused(404, lambda: server.client.get_model_metadata("nope", headers=server.headers))
    return refused(400, lambda: server.infer(question(), outputs=[triton.InferRequestedOutput("nothing")]))


@check("errors: wrong names, datatypes, shapes, sums, too many rows, blank texts")
def _(server):
    text = tensor("text", ["a"])
    number = triton.InferInput("text", [1], "INT32")
    number.set_data_from_numpy(np.array([1], dtype=np.int32))
    for wrong in (
        [tensor("colour", ["red"])],
        [number],
        [text, tensor("head", [EXPERTS[0]] * 2)],
        [text, tensor("mix", [[0.9] * len(EXPERTS)], "FP32")],
        [text, tensor("mix", [[1.0]], "FP32")],
        question(["a"] * 257),
        question([" "]),
        [tensor("head", [EXPERTS[0]])],
    ):
        refused(400, lambda wrong=wrong: server.infer(wrong))


@check("errors: what is not offered (load, statistics, shared memory) says so")
def _(server):
    refused(404, lambda: server.client.load_model(MODEL, headers=server.headers))
    refused(404, lambda: server.client.get_inference_statistics(MODEL, headers=server.headers))
    return refused(404, lambda: server.client.get_system_shared_memory_status(headers=server.headers))


@check("errors: no key, a wrong key", only="edge")
def _(server):
    refused(401, lambda: server.client.infer(MODEL, question()))
    return refused(401, lambda: server.client.infer(MODEL, question(), headers={"Authorization": "Bearer nonsense"}))


def run():
    servers = [Server(name, **given) for name, given in JOB["servers"].items()]
    for title, only, function in CHECKS:
        for server in servers:
            if only is not None and only != server.name:
                continue
            try:
                detail, ok = function(server), True
            except Exception as error:  # noqa: BLE001: every failure is a result
                detail, ok = f"{type(error).__name__}: {error}", False
            print(json.dumps({"check": title, "server": server.name, "ok": ok, "detail": detail or ""}), flush=True)
    first, *others = servers
    for other in others:
        title = "edge and origin give one-hot rows the same outputs"
        try:
            one, two = first.infer(question(TEXTS * 4)), other.infer(question(TEXTS * 4))
            same(one, two)
            detail, ok = f"logits differ by at most {np.abs(one.as_numpy('logits') - two.as_numpy('logits')).max():.1e}", True
        except Exception as error:  # noqa: BLE001
            detail, ok = f"{type(error).__name__}: {error}", False
        for server in (first, other):
            print(json.dumps({"check": title, "server": server.name, "ok": ok, "detail": detail}), flush=True)


run()
