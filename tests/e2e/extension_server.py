"""A small API server to stand behind another one: lights.example.com/v1 with one resource, lamps.

Usage: extension_server.py ADDRESS PORT CERTIFICATE KEY CLIENT_CA

It serves discovery, OpenAPI v3 and a few lamps, only to callers that show a certificate of CLIENT_CA,
and tells in each lamp for whom it was asked.
"""
import sys

from json_server import JsonHandler, serve

GROUP_VERSION = "lights.example.com/v1"
RESOURCES = {
    "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP_VERSION,
    "resources": [{"name": "lamps", "singularName": "lamp", "namespaced": True, "kind": "Lamp",
                   "verbs": ["get", "list"], "shortNames": ["la"], "categories": ["all"]}]}
# The name of its metadata is one of ours, too, and means something else.
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
OPENAPI = {
    "swagger": "2.0", "info": {"title": "Lights", "version": "1"},
    "paths": {f"/apis/{GROUP_VERSION}/lamps": {"get": {
        "operationId": "listLamps", "consumes": ["*/*"], "produces": ["application/json"],
        "responses": {"200": {"description": "OK",
                              "schema": {"$ref": "#/definitions/com.example.lights.v1.Lamp"}}},
        "x-kubernetes-action": "list",
        "x-kubernetes-group-version-kind": {"group": "lights.example.com", "version": "v1",
                                            "kind": "Lamp"}}},
        "/version/": {"get": {"responses": {}}}},
    "definitions": {
        "com.example.lights.v1.Lamp": {
            "type": "object", "description": "Gives light.",
            "properties": {"watts": {"type": "integer", "description": "How much it takes."},
                           "metadata": {"$ref": f"#/definitions/{META}"}},
            "x-kubernetes-group-version-kind": [{"group": "lights.example.com", "version": "v1",
                                                 "kind": "Lamp"}]},
        META: {"type": "object", "description": "Metadata of lamps."},
        "com.example.lights.v1.Unused": {"type": "object"}}}


class Handler(JsonHandler):
    def lamp(self, name):
        extra = {key[len("x-remote-extra-"):]: value for key, value in self.headers.items()
                 if key.lower().startswith("x-remote-extra-")}
        return {"kind": "Lamp", "apiVersion": GROUP_VERSION,
                "metadata": {"name": name, "namespace": "default"},
                "caller": {"user": self.headers.get("X-Remote-User"),
                           "groups": self.headers.get_all("X-Remote-Group"), "extra": extra,
                           "authorization": self.headers.get("Authorization")}}

    def do_GET(self):
        path = self.path.partition("?")[0]
        base = f"/apis/{GROUP_VERSION}"
        if path == base:
            return self.answer(200, RESOURCES)
        if path == "/openapi/v2":
            return self.answer(200, OPENAPI)
        if path == "/openapi/v3":
            return self.answer(200, {"paths": {base[1:]: {
                "serverRelativeURL": f"/openapi/v3{base}?hash=LIGHTS"}}})
        if path == f"/openapi/v3{base}":
            return self.answer(200, {"openapi": "3.0.0", "info": {"title": "Lights"}, "paths": {}})
        if path in (f"{base}/namespaces/default/lamps", f"{base}/lamps"):
            return self.answer(200, {"kind": "LampList", "apiVersion": GROUP_VERSION,
                                     "metadata": {}, "items": [self.lamp("desk")]})
        if path == f"{base}/namespaces/default/lamps/desk":
            return self.answer(200, self.lamp("desk"))
        self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                          "reason": "NotFound", "message": "there is no such lamp", "code": 404})


if __name__ == "__main__":
    serve(Handler, *sys.argv[1:])
