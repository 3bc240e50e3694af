"""An admission webhook whose answers depend on the path and on marks in the object.

Usage: webhook_server.py ADDRESS PORT CERTIFICATE KEY
"""
import base64
import json
import sys
import time

from json_server import JsonHandler, serve

MARK = "webhook-e2e-test"
ALLOWED = {"allowed": True}


def denied(*reasons, code=403):
    return {"allowed": not reasons, "status": {"code": code, "message": "; ".join(reasons)}}


def patched(*steps):
    text = json.dumps([{"op": "add", "path": path, "value": value} for path, value in steps])
    return {"allowed": True, "patchType": "JSONPatch",
            "patch": base64.b64encode(text.encode()).decode()}


def mutate(request):
    labels = request["object"]["metadata"].get("labels")
    steps = [("/metadata/labels/seen-by-webhook", "yes")]
    if not labels:
        steps.insert(0, ("/metadata/labels", {}))
    return {**patched(*steps), "warnings": ["a label was added"]}


def validate(request):
    return denied("not a good name") if request["name"] == "refused" else ALLOWED


def slow(_):
    time.sleep(3)
    return ALLOWED


def pods(request):
    pod = request["object"]
    mark = pod["metadata"].get("labels", {}).get(MARK)
    if mark == "wait-forever":
        time.sleep(600)
    reasons = []
    if any(container["name"] == "webhook-disallow" for container in pod["spec"]["containers"]):
        reasons.append("the pod contains unwanted container name")
    if mark == "webhook-disallow":
        reasons.append("the pod contains unwanted label")
    return denied(*reasons)


def attach(request):
    wrong = (request["operation"] == "CONNECT" and request["subResource"] == "attach" and
             request["object"]["kind"] == "PodAttachOptions" and
             request["name"] == "to-be-attached-pod")
    return denied("attaching to pod 'to-be-attached-pod' is not allowed") if wrong else ALLOWED


def mutate_pods(request):
    if request["name"] != "webhook-to-be-mutated":
        return ALLOWED
    return patched(("/spec/initContainers",
                    [{"name": "webhook-added-init-container", "image": "webhook-added-image"}]))


def data_of(request, member="object"):
    return (request.get(member) or {}).get("data") or {}


def config_maps(request):
    wrong = data_of(request).get(MARK) == "webhook-disallow"
    return denied("the configmap contains unwanted key and value") if wrong else ALLOWED


def mutate_data(request):
    """Two steps, of which the second comes only after the first."""
    data = data_of(request)
    steps = []
    if data.get("mutation-start") == "yes":
        steps.append(("/data/mutation-stage-1", "yes"))
    if data.get("mutation-stage-1") == "yes":
        steps.append(("/data/mutation-stage-2", "yes"))
    return patched(*steps) if steps else ALLOWED


def custom_resource(request):
    if request["operation"] == "DELETE":
        wrong = data_of(request, "oldObject").get(MARK) == "webhook-nondeletable"
        return denied("the custom resource cannot be deleted because it contains unwanted key and "
                      "value") if wrong else ALLOWED
    wrong = data_of(request).get(MARK) == "webhook-disallow"
    return denied("the custom resource contains unwanted data") if wrong else ALLOWED


def definitions(request):
    wrong = request["object"]["metadata"].get("labels", {}).get(MARK) == "webhook-disallow"
    return denied("the crd contains unwanted label") if wrong else ALLOWED


def ready(request):
    """Denies every marker, by which a test sees that the webhook is called."""
    return denied("this webhook denies all requests")


ANSWERS = {"/mutate": mutate, "/validate": validate, "/slow": slow, "/pods": pods,
           "/pods/attach": attach, "/mutating-pods": mutate_pods, "/configmaps": config_maps,
           "/mutating-configmaps": mutate_data, "/custom-resource": custom_resource,
           "/mutating-custom-resource": mutate_data, "/crd": definitions, "/always-deny": ready,
           "/add-label": mutate}


class Handler(JsonHandler):
    def do_POST(self):
        path = self.path.partition("?")[0]
        review = self.body()
        if path not in ANSWERS:
            return self.answer(404, {})
        answer = {**ANSWERS[path](review["request"]), "uid": review["request"]["uid"]}
        self.answer(200, {"kind": "AdmissionReview", "apiVersion": review["apiVersion"],
                          "response": answer})


if __name__ == "__main__":
    serve(Handler, *sys.argv[1:])
