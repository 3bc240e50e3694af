#!/usr/bin/env python3
"""Server-side apply with stock clients: kubectl apply in both ways and from one to the other, diff,
edit, scale, label, annotate; and Helm, which applies on the server's side."""
import os

import harness
from harness import CLIENTS, eventually

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: %(replicas)s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: %(image)s
        ports: [{containerPort: 80}]
"""

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: small\nversion: 0.1.0\n",
    "values.yaml": "text: one\n",
    "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n"
                             "data: {text: '{{ .Values.text }}', other: same}\n",
}


def deployment(replicas=1, image="web:1"):
    return DEPLOYMENT % {"replicas": replicas, "image": image}


class ServerSideApply(harness.ServerTest):
    def server_apply(self, text, *options):
        return self.kubectl("apply", "--server-side", "-f", "-", *options, input=text)

    def each_kubectl(self, test):
        def and_clean_up():
            test()
            self.kubectl("delete", "deployment", "web", "--ignore-not-found", "--wait")
        self.with_each_kubectl(and_clean_up)

    def test_apply_conflict_and_force(self):
        self.each_kubectl(self.apply_conflict_and_force)

    def apply_conflict_and_force(self):
        self.server_apply(deployment())
        self.assertIn(("kubectl", "Apply", ""), self.managers("deployment", "web"))
        self.assertEqual(self.kubectl("diff", "--server-side", "-f", "-", input=deployment()), "")
        self.kubectl("scale", "deployment", "web", "--replicas=3")
        message = self.kubectl_fails("apply", "--server-side", "-f", "-", input=deployment())
        self.assertIn("Apply failed with 1 conflict: conflict with", message)
        self.assertIn('with subresource "scale" using apps/v1: .spec.replicas', message)
        self.server_apply(deployment(), "--force-conflicts")
        self.assertEqual(self.get("deployment", "web")["spec"]["replicas"], 1)
        message = self.kubectl_fails("apply", "--server-side", "--field-manager=other", "-f", "-",
                                     input=deployment(image="web:2"))
        self.assertIn('conflict with "kubectl": .spec.template.spec.containers[name="web"].image',
                      message)

    def test_other_commands_own_what_they_change(self):
        self.each_kubectl(self.other_commands)

    def other_commands(self):
        self.server_apply(deployment())
        self.kubectl("label", "deployment", "web", "tier=front")
        self.kubectl("annotate", "deployment", "web", "note=1", "--field-manager=me")
        editor = {**os.environ, "EDITOR": "sed -i s/web:1/web:2/"}
        self.kubectl("edit", "deployment", "web", env=editor)
        names = {entry[:2] for entry in self.managers("deployment", "web")}
        self.assertLessEqual({("kubectl-label", "Update"), ("me", "Update"),
                              ("kubectl-edit", "Update"), ("kubectl", "Apply")}, names)
        # What others own stays; what kubectl no longer says goes.
        without_label = deployment(image="web:2").replace(", labels: {app: web}}\nspec:\n  rep",
                                                          "}\nspec:\n  rep")
        self.server_apply(without_label)
        labels = self.get("deployment", "web")["metadata"]["labels"]
        self.assertEqual(labels, {"tier": "front"})

    def test_from_client_side_apply_and_back(self):
        self.each_kubectl(self.from_client_side_apply_and_back)

    def from_client_side_apply_and_back(self):
        self.kubectl("apply", "-f", "-", input=deployment())
        self.assertIn(("kubectl-client-side-apply", "Update", ""),
                      self.managers("deployment", "web"))
        self.server_apply(deployment(image="web:2"))
        if self.kubectl_minor() >= 26:  # Before, what it had applied itself stayed as it was.
            self.assertNotIn(("kubectl-client-side-apply", "Update", ""),
                             self.managers("deployment", "web"))
        self.kubectl("apply", "-f", "-", input=deployment(image="web:3"))
        web = self.get("deployment", "web")
        self.assertEqual(web["spec"]["template"]["spec"]["containers"][0]["image"], "web:3")
        self.server_apply(deployment(image="web:4"), "--force-conflicts")

    def test_controllers_have_their_own_names(self):
        self.server_apply(deployment())
        eventually(lambda: ("kube-controller-manager", "Update", "status") in
                   self.managers("deployment", "web"), "the controller's entry is there")
        self.kubectl("delete", "deployment", "web")

    def helm(self, *arguments, check=True):
        home = os.path.join(self.cluster.directory, "helm")
        places = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        return self.cluster.inside(
            [os.path.join(CLIENTS, "helm-v4"), "--kubeconfig", self.cluster.kubeconfig, *arguments],
            env={**os.environ, **places}, check=check)

    def test_helm_installs_upgrades_and_meets_conflicts(self):
        chart = os.path.join(self.cluster.directory, "small")
        for name, text in CHART.items():
            path = os.path.join(chart, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        self.helm("install", "release", chart)
        self.assertEqual(self.managers("configmap", "small"), {("helm", "Apply", "")})
        self.helm("upgrade", "release", chart, "--set", "text=two")
        self.assertEqual(self.get("configmap", "small")["data"], {"text": "two", "other": "same"})
        self.kubectl("patch", "configmap", "small", "-p", '{"data":{"text":"mine"}}')
        refused = self.helm("upgrade", "release", chart, "--set", "text=three", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn('conflict with "kubectl-patch" using v1: .data.text', refused.stderr)
        self.helm("upgrade", "release", chart, "--set", "text=three", "--force-conflicts")
        self.assertEqual(self.get("configmap", "small")["data"]["text"], "three")
        self.helm("rollback", "release", "1")
        self.assertEqual(self.get("configmap", "small")["data"]["text"], "one")
        self.helm("uninstall", "release")


if __name__ == "__main__":
    harness.main()
