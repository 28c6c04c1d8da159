"""Holds Kubernetes manifests, read from stdin as one YAML stream, against real schemas: those of Kubernetes itself as kubernetes-validate ships them,
strictly (no unknown field), and those of custom kinds from the CRDs in the folders that are given as arguments. Prints one JSON line a document."""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSION = "1.34"


def strict(schema):
    """The schema with every field that it does not name forbidden, as the API server drops them."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        out.pop("type", None)
        out["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    preserves = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not preserves:
        out.setdefault("additionalProperties", False)
    return out


def custom_schemas(folders):
    """Schemas by apiVersion and kind."""
    found = {}
    for path in (file for folder in folders for file in sorted(pathlib.Path(folder).rglob("*.yaml"))):
        for crd in yaml.safe_load_all(path.read_text()):
            if not isinstance(crd, dict) or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def check(document, customs):
    """What became of a document: valid, invalid with the reason, or not checked."""
    schema = customs.get((document["apiVersion"], document["kind"]))
    if schema is not None:
        error = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(schema).iter_errors(document))
        return ("valid", "") if error is None else ("invalid", f"{error.json_path}: {error.message}"[:500])
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
        return "valid", ""
    except kubernetes_validate.SchemaNotFoundError:
        return "unchecked", "no schema for this kind"
    except kubernetes_validate.ValidationError as error:
        return "invalid", f"{'.'.join(str(step) for step in error.path)}: {error.message}"[:500]


if __name__ == "__main__":
    schemas = custom_schemas(sys.argv[1:])
    for each in yaml.safe_load_all(sys.stdin):
        if each is not None:
            result, reason = check(each, schemas)
            print(json.dumps({"kind": each["kind"], "name": each["metadata"]["name"], "result": result, "reason": reason}))
