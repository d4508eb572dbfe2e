#!/usr/bin/env python3
"""openapi.yaml -> C: the route table, query parameters and request schemas (declared in api/schema.h, api/routes.h)."""
import json, re, sys
import yaml

document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
out, named, counter = [], {}, [0]
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "minimum", "maximum", "minLength", "maxLength",
         "minItems", "maxItems", "format", "enum"}
FORMATS = {None: "FORMAT_ANY", "absolute-path": "FORMAT_ABSOLUTE_PATH"}


def quoted(text):
    return json.dumps(text)


def schema(node):
    """Emits a schema, returns the name of its C object."""
    if "$ref" in node:
        ref = node["$ref"]
        if ref not in named:
            target = document
            for part in ref.removeprefix("#/").split("/"):
                target = target[part]
            named[ref] = schema(target)
        return named[ref]
    unknown = set(node) - KNOWN
    if unknown:
        sys.exit(f"openapi.yaml: gen_routes.py does not know {sorted(unknown)}; it would not be enforced")
    kind = node["type"]
    extra = node.get("additionalProperties", True)
    if kind == "object" and extra is True:
        sys.exit("openapi.yaml: say additionalProperties: false, or a schema, for each object of a request")
    extra_name = schema(extra) if isinstance(extra, dict) else None
    items_name = schema(node["items"]) if "items" in node else None
    fields = [(name, schema(child), name in node.get("required", [])) for name, child in node.get("properties", {}).items()]
    counter[0] += 1
    name = f"schema_{counter[0]}"
    if fields:
        out.append(f"static const struct schema_field fields_{counter[0]}[] = {{")
        out.extend(f"\t{{{quoted(f)}, &{s}, {str(r).lower()}}}," for f, s, r in fields)
        out.append("};")
    suffix = {"string": "Length", "array": "Items"}.get(kind, "imum")
    low, high = node.get("min" + suffix), node.get("max" + suffix)
    members = [f".type = SCHEMA_{kind.upper()}", f".format = {FORMATS[node.get('format')]}"]
    if low is not None:
        members.append(f".has_min = true, .min = {low}")
    if high is not None:
        members.append(f".has_max = true, .max = {high}")
    if "enum" in node:
        out.append(f"static const char *const words_{counter[0]}[] = {{{', '.join(map(quoted, node['enum']))}, NULL}};")
        members.append(f".words = words_{counter[0]}")
    if fields:
        members.append(f".fields = fields_{counter[0]}, .field_count = {len(fields)}")
    if extra_name:
        members.append(f".extra = &{extra_name}")
    if items_name:
        members.append(f".items = &{items_name}")
    out.append(f"static const struct schema {name} = {{{', '.join(members)}}};")
    return name


routes, handlers = [], []
for path, methods in document["paths"].items():
    for method, operation in methods.items():
        op = operation["operationId"]
        query = [p for p in operation.get("parameters", []) if p["in"] == "query"]
        in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        if in_path != re.findall(r"{(\w+)}", path):
            sys.exit(f"openapi.yaml: the path parameters of {op} do not match {path}")
        rows = [f"\t{{{quoted(p['name'])}, &{schema(p['schema'])}, {str(p.get('required', False)).lower()}}}," for p in query]
        if rows:
            out.append(f"static const struct schema_field query_{op}[] = {{")
            out.extend(rows)
            out.append("};")
        body = "NULL"
        if "requestBody" in operation:
            body = "&" + schema(operation["requestBody"]["content"]["application/json"]["schema"])
        public = operation.get("security", document["security"]) == []
        handlers.append(f"api_{op}")
        routes.append(f"\t{{{quoted(method.upper())}, {quoted(path)}, {quoted(op)}, api_{op}, {str(public).lower()}, "
                      f"{body}, {'query_' + op if rows else 'NULL'}, {len(rows)}}},")
print("/* Made from api/openapi.yaml by api/gen_routes.py. */\n#include \"api/routes.h\"\n")
print("\n".join(out))
print("\nconst struct route api_routes[] = {\n" + "\n".join(routes) + "\n};")
print(f"const unsigned int api_route_count = {len(routes)};")
