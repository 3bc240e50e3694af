#!/usr/bin/env python3
"""One session with kubectl of several ages: what an application's owner types in a day, and who
is then said to manage what."""
import json
import os

import harness
from harness import eventually

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
             "template": {"metadata": {"labels": {"app": "web"}},
                          "spec": {"containers": [{"name": "web", "image": "web:1",
                                                   "ports": [{"containerPort": 80}]}]}}}}
RBAC = "rbac.authorization.k8s.io"
OPEN = "x-kubernetes-preserve-unknown-fields"


def deployment(image="web:1", **spec):
    made = json.loads(json.dumps(DEPLOYMENT))
    made["spec"].update(spec)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return made


class Kubectl(harness.ServerTest):
    def each(self, test):
        """The test with every kubectl, in a namespace of its own."""
        def in_namespace():
            self.namespace = f"{test.__name__.replace('_', '-')}-{self.kubectl_name[-3:]}"
            self.kubectl("create", "namespace", self.namespace)
            eventually(lambda: self.there("get", "serviceaccount", "default"), "it can be used")
            test()
            self.kubectl("delete", "namespace", self.namespace)
        self.with_each_kubectl(in_namespace)

    def there(self, *arguments, **options):
        return self.kubectl("-n", self.namespace, *arguments, **options)

    def fails_there(self, *arguments, **options):
        return self.kubectl_fails("-n", self.namespace, *arguments, **options)

    def object(self, *what):
        return json.loads(self.there("get", *what, "-o", "json"))

    def managers_there(self, *what):
        return self.managers("-n", self.namespace, *what)

    def apply_there(self, *objects, options=()):
        return self.there("apply", "-f", "-", *options, input="\n".join(map(json.dumps, objects)))

    def editor(self, script):
        path = os.path.join(self.cluster.directory, "editor")
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\nsed -i '{script}' \"$1\"\n")
        os.chmod(path, 0o755)
        return {**os.environ, "EDITOR": path}

    # ------------------------------------------------------------------ what there is

    def test_what_the_server_has(self):
        self.each(self.finds_out)

    def finds_out(self):
        resources = self.kubectl("api-resources", "-o", "wide")
        self.assertRegex(resources, r"(?m)^deployments +deploy +apps/v1 +true +Deployment")
        self.assertIn("deployments.apps", self.kubectl("api-resources", "--api-group=apps",
                                                       "--namespaced=true", "--verbs=patch",
                                                       "-o", "name"))
        versions = self.kubectl("api-versions").split()
        self.assertLessEqual({"v1", "apps/v1", f"{RBAC}/v1"}, set(versions))
        self.assertIn("is running at", self.kubectl("cluster-info"))
        version = json.loads(self.kubectl("version", "-o", "json"))
        self.assertEqual(version["serverVersion"]["major"], "1")
        explained = self.kubectl("explain", "deployment.spec.replicas")
        self.assertRegex(explained, r"FIELD: +replicas <integer>")
        self.assertRegex(self.kubectl("explain", "deploy", "--recursive"), r"maxSurge\s+<")
        self.assertRegex(
            self.kubectl("explain", "ingress.spec", "--api-version=networking.k8s.io/v1"),
            r"ingressClassName\s+<string>")
        self.assertIn("nothing", self.kubectl_fails("explain", "deployment.spec.nothing"))

    # ------------------------------------------------------------------ kinds of users

    def test_custom_kinds_are_explained_and_checked(self):
        text = {"type": "string"}
        bars = {"description": "Their list.", "type": "array", "items": {
            "type": "object", "required": ["name"], "properties": {"name": text, "age": text}}}
        self.define("foos", "Foo", {"type": "object", "description": "Foo of the test.",
                                    "properties": {"spec": {
                                        "type": "object", "description": "What is wanted.",
                                        "properties": {"bars": bars}}}})
        self.define("anys", "Any", {"type": "object", OPEN: True})
        self.define("nests", "Nest", {"type": "object", "properties": {"spec": {
            "type": "object", "description": "Open to all.", OPEN: True}}})
        self.each(self.explains_and_checks)

    def define(self, plural, kind, schema):
        self.apply({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced",
                     "names": {"plural": plural, "kind": kind},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": schema}}]}})
        self.addCleanup(self.kubectl, "delete", "crd", f"{plural}.example.com")
        self.kubectl("wait", "--for=condition=Established", f"crd/{plural}.example.com")

    def explains_and_checks(self):
        explained = eventually(lambda: self.kubectl("explain", "foos"), "it is published")
        self.assertRegex(explained, r"(?s)KIND: +Foo.*VERSION: +(example.com/)?v1.*Foo of the test")
        self.assertRegex(self.kubectl("explain", "foos.spec"), r"(?s)What is wanted.*bars\s+<\[\]")
        self.assertRegex(self.kubectl("explain", "foos.spec.bars"),
                         r"(?s)Their list.*name\s+<string>")
        self.assertIn("nothing", self.kubectl_fails("explain", "foos.spec.nothing"))
        self.assertRegex(self.kubectl("explain", "anys"), r"KIND: +Any")
        self.assertIn("Open to all", self.kubectl("explain", "nests.spec"))

        def made(kind, **members):
            return json.dumps({"apiVersion": "example.com/v1", "kind": kind,
                               "metadata": {"name": "x"}, **members})
        self.there("create", "-f", "-", input=made("Foo", spec={"bars": [{"name": "b"}]}))
        self.there("apply", "-f", "-", input=made("Foo", spec={"bars": [{"name": "c"}]}))
        for verb in ("create", "apply"):
            wrong = self.fails_there(verb, "-f", "-", input=made("Foo", spec={"other": 1}))
            self.assertRegex(wrong, r'unknown field "(spec\.)?other"')
            wrong = self.fails_there(verb, "-f", "-", input=made("Foo", spec={"bars": [{}]}))
            self.assertRegex(wrong, r"name: Required value|missing required field \"name\"")
        for kind, members in (("Any", {"random": {"a": [1]}}), ("Nest", {"spec": {"b": {"c": 1}}})):
            for verb in ("create", "apply"):
                self.there(verb, "-f", "-", input=made(kind, **members))
            found = self.object(kind.lower(), "x")
            self.assertEqual({key: found[key] for key in members}, members)

    # ------------------------------------------------------------------ writing

    def test_an_object_is_written_in_every_way(self):
        self.each(self.writes)

    def writes(self):
        self.assertEqual(self.apply_there(deployment()), "deployment.apps/web created\n")
        self.assertEqual(self.apply_there(deployment()), "deployment.apps/web unchanged\n")
        self.assertIn(("kubectl-client-side-apply", "Update", ""),
                      self.managers_there("deployment", "web"))
        self.checks_difference()
        self.assertEqual(self.apply_there(deployment(image="web:2")),
                         "deployment.apps/web configured\n")
        self.labels_and_annotates()
        self.patches()
        self.edits()
        self.replaces()
        self.there("delete", "deployment", "web")
        self.assertIn("NotFound", self.fails_there("get", "deployment", "web"))

    def checks_difference(self):
        document = json.dumps(deployment(image="web:2"))
        result = self.cluster.inside(
            self.kubectl_argv("-n", self.namespace, "diff", "-f", "-"), input=document, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stdout, r"(?m)^-.*image: web:1")
        self.assertRegex(result.stdout, r"(?m)^\+.*image: web:2")
        self.assertEqual(self.there("diff", "-f", "-", input=json.dumps(deployment())), "")
        # What is only tried leaves no trace.
        self.assertIn("configured (server dry run)",
                      self.apply_there(deployment(image="web:2"), options=["--dry-run=server"]))
        self.assertEqual(self.image(), "web:1")

    def containers(self):
        return self.object("deployment", "web")["spec"]["template"]["spec"]["containers"]

    def image(self):
        return self.containers()[0]["image"]

    def labels_and_annotates(self):
        self.there("label", "deployment", "web", "tier=front")
        self.assertIn("--overwrite is false",
                      self.fails_there("label", "deployment", "web", "tier=back"))
        self.there("label", "deployment", "web", "tier=back", "--overwrite")
        self.assertIn("web", self.there("get", "deployments", "-l", "tier in (back)", "-o", "name"))
        self.there("annotate", "deployment", "web", "note=1")
        self.assertLessEqual({("kubectl-label", "Update", ""), ("kubectl-annotate", "Update", "")},
                             self.managers_there("deployment", "web"))
        self.there("label", "deployment", "web", "tier-")
        self.there("annotate", "deployment", "web", "note-")
        meta = self.object("deployment", "web")["metadata"]
        self.assertEqual(meta["labels"], {"app": "web"})
        self.assertNotIn("note", meta["annotations"])

    def patches(self):
        containers = '{"spec":{"template":{"spec":{"containers":[%s]}}}}'
        self.there("patch", "deployment", "web", "-p",
                   containers % '{"name":"side","image":"side:1"}')
        self.assertEqual({each["name"] for each in self.containers()}, {"web", "side"})
        self.there("patch", "deployment", "web", "--type=merge", "-p",
                   containers % '{"name":"web","image":"web:2"}')
        self.assertEqual([each["name"] for each in self.containers()], ["web"])
        self.there("patch", "deployment", "web", "--type=json", "-p", json.dumps(
            [{"op": "test", "path": "/spec/replicas", "value": 2},
             {"op": "replace", "path": "/spec/replicas", "value": 3}]))
        self.assertEqual(self.object("deployment", "web")["spec"]["replicas"], 3)
        refused = self.fails_there("patch", "deployment", "web", "--type=json", "-p", json.dumps(
            [{"op": "test", "path": "/spec/replicas", "value": 2}]))
        self.assertIn("The request is invalid", refused)
        self.assertIn(("kubectl-patch", "Update", ""), self.managers_there("deployment", "web"))

    def edits(self):
        self.there("edit", "deployment", "web", env=self.editor("s/replicas: 3/replicas: 1/"))
        self.assertEqual(self.object("deployment", "web")["spec"]["replicas"], 1)
        self.assertIn(("kubectl-edit", "Update", ""), self.managers_there("deployment", "web"))
        unchanged = self.cluster.inside(
            self.kubectl_argv("-n", self.namespace, "edit", "deployment", "web"),
            env=self.editor("s/absent/absent/"))
        self.assertIn("no changes made", unchanged.stdout + unchanged.stderr)

    def replaces(self):
        found = self.object("deployment", "web")
        found["spec"]["replicas"] = 2
        self.there("replace", "-f", "-", input=json.dumps(found))
        self.assertIn(("kubectl-replace", "Update", ""), self.managers_there("deployment", "web"))
        found["spec"]["replicas"] = 4
        self.assertIn("Conflict", self.fails_there("replace", "-f", "-", input=json.dumps(found)))

    # ------------------------------------------------------------------ a deployment's life

    def test_a_deployment_is_scaled_and_rolled_back(self):
        self.each(self.rolls)

    def rolls(self):
        self.there("create", "-f", "-", "--save-config", input=json.dumps(deployment()))
        self.assertIn(("kubectl-create", "Update", ""), self.managers_there("deployment", "web"))
        self.there("scale", "deployment", "web", "--replicas=3", "--current-replicas=2")
        self.assertEqual(self.object("deployment", "web")["spec"]["replicas"], 3)
        self.assertIn("scale", {subresource for _, _, subresource in
                                self.managers_there("deployment", "web")})
        self.assertIn("Expected replicas to be 2",
                      self.fails_there("scale", "deployment/web", "--replicas=1",
                                       "--current-replicas=2"))
        eventually(lambda: len(self.object("rs")["items"]) == 1, "the first ReplicaSet")
        self.there("set", "image", "deployment/web", "web=web:2")
        eventually(lambda: len(self.object("rs")["items"]) == 2, "the second ReplicaSet")
        eventually(lambda: "2" in [line.split()[0] for line in self.there(
            "rollout", "history", "deployment/web").splitlines() if line.strip()], "two revisions")
        self.assertIn("web:1", self.there("rollout", "history", "deployment/web", "--revision=1"))
        self.there("rollout", "undo", "deployment/web")
        self.assertEqual(self.image(), "web:1")
        self.there("rollout", "pause", "deployment/web")
        self.assertTrue(self.object("deployment", "web")["spec"]["paused"])
        self.there("rollout", "resume", "deployment/web")
        self.there("wait", "--for=condition=Available=False", "deployment/web", "--timeout=60s")
        self.there("rollout", "restart", "deployment/web")
        self.assertIn("kubectl.kubernetes.io/restartedAt", self.object(
            "deployment", "web")["spec"]["template"]["metadata"]["annotations"])
        self.assertIn("Waiting for deployment", self.cluster.inside(self.kubectl_argv(
            "-n", self.namespace, "rollout", "status", "deployment/web", "--timeout=1s"),
            check=False).stdout)
        self.there("expose", "deployment", "web", "--port=80")
        self.there("autoscale", "deployment", "web", "--min=1", "--max=3", "--cpu-percent=50")
        self.assertIn("Deployment/web", self.there("get", "hpa"))
        described = self.there("describe", "deployment", "web")
        self.assertIn("ScalingReplicaSet", described)
        self.deletes()

    def deletes(self):
        self.there("delete", "deployment", "web", "--cascade=orphan")
        eventually(lambda: all("ownerReferences" not in each["metadata"]
                               for each in self.object("rs")["items"]), "ReplicaSets are let go")
        self.assertTrue(self.object("rs")["items"])
        self.there("delete", "rs", "--all")
        self.there("delete", "service,hpa", "web")
        self.assertEqual(self.there("get", "deployments,rs,services,hpa", "-o", "name"), "")

    # ------------------------------------------------------------------ looking

    def test_lists_are_shown_in_every_form(self):
        self.each(self.looks)

    def looks(self):
        for name in "abc":
            self.there("create", "configmap", name, f"--from-literal=key={name}")
        self.assertEqual(self.there("get", "cm", "-o", "jsonpath={.items[*].data.key}"), "a b c")
        self.assertEqual(self.there("get", "cm", "--field-selector=metadata.name=b", "-o", "name"),
                         "configmap/b\n")
        rows = self.there("get", "cm", "--sort-by=.metadata.name", "--no-headers",
                          "-o", "custom-columns=NAME:.metadata.name,KEY:.data.key").split("\n")
        self.assertEqual([row.split() for row in rows[:3]], [["a", "a"], ["b", "b"], ["c", "c"]])
        self.assertRegex(self.there("get", "cm", "--chunk-size=1"), r"(?m)^c +1 ")
        self.assertIn("apiVersion: v1", self.there("get", "cm", "a", "-o", "yaml"))
        self.assertEqual(self.there("get", "cm", "a", "-o", "go-template={{.data.key}}"), "a")
        watch = self.start_kubectl("-n", self.namespace, "get", "cm", "-w", "--no-headers")
        self.assertTrue(watch.stdout.readline())
        self.there("create", "configmap", "later")
        eventually(lambda: "later" in watch.stdout.readline(), "the watch tells")

    # ------------------------------------------------------------------ rights

    def test_who_may_what(self):
        self.each(self.asks)

    def asks(self):
        self.assertEqual(self.kubectl("auth", "can-i", "create", "pods"), "yes\n")
        role = {"apiVersion": f"{RBAC}/v1", "kind": "Role",
                "metadata": {"name": "reader", "namespace": self.namespace},
                "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]}
        binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding",
                   "metadata": {"name": "reader", "namespace": self.namespace},
                   "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reader"},
                   "subjects": [{"kind": "User", "name": "eve", "apiGroup": RBAC}]}
        document = "\n".join(map(json.dumps, (role, binding)))
        self.assertIn("reconciled", self.there("auth", "reconcile", "-f", "-", input=document))
        role["rules"][0]["verbs"] = ["get", "list"]
        document = "\n".join(map(json.dumps, (role, binding)))
        self.there("auth", "reconcile", "-f", "-", input=document)
        verbs = {verb for rule in self.object("role", "reader")["rules"] for verb in rule["verbs"]}
        self.assertEqual(verbs, {"get", "list"})

        eve = ["--as=eve"]
        eventually(lambda: self.there("auth", "can-i", "list", "configmaps", *eve) == "yes\n",
                   "the role counts")
        refused = self.cluster.inside(self.kubectl_argv(
            "-n", self.namespace, "auth", "can-i", "delete", "configmaps", *eve), check=False)
        self.assertEqual((refused.returncode, refused.stdout.split()[0]), (1, "no"))
        listed = self.there("auth", "can-i", "--list", *eve)
        self.assertRegex(listed, r"(?m)^configmaps +\[\] +\[\] +\[get list\]")
        self.assertRegex(listed, r"selfsubjectaccessreviews\.authorization\.k8s\.io")
        self.there("get", "configmaps", *eve)
        self.assertIn('User "eve" cannot list resource "secrets"',
                      self.fails_there("get", "secrets", *eve))
        if self.kubectl_minor() >= 28:
            who = self.kubectl("auth", "whoami", "--as=eve", "--as-group=friends", "-o", "json")
            self.assertEqual(json.loads(who)["status"]["userInfo"],
                             {"username": "eve", "groups": ["friends", "system:authenticated"]})


if __name__ == "__main__":
    harness.main()
