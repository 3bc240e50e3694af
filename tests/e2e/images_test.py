#!/usr/bin/env python3
"""Images: brought in, given second names, pulled through the mirror by every pull policy, removed."""
import os
import tarfile

import harness
from harness import eventually

IMAGES = os.path.join(os.path.dirname(harness.PINNACE), "images")


def pod(name, image, **container):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 0,
                     "containers": [{"name": "c", "image": image, **container}]}}


class Images(harness.ClusterTest):
    def reason(self, name):
        statuses = self.get("pod", name)["status"].get("containerStatuses", [{}])
        return statuses[0].get("state", {}).get("waiting", {}).get("reason")

    def test_up_has_loaded_the_images_of_pinnace(self):
        listed = self.cluster.pinnace("image", "ls").stdout
        for name in ("pinnace/pause:1", "pinnace/hello:1", "pinnace/hello:2", "pinnace/toolbox:1"):
            self.assertIn(name, listed)

    def test_a_second_name_runs_with_every_pull_policy(self):
        self.cluster.pinnace("image", "tag", "pinnace/hello:1", "example.com/course/k8s-demo")
        self.assertIn("example.com/course/k8s-demo", self.cluster.pinnace("image", "ls").stdout)
        # Untagged, so that the default is Always: the runtime asks the mirror each time.
        self.apply(pod("always", "example.com/course/k8s-demo"))
        self.assertEqual(self.get("pod", "always")["spec"]["containers"][0]["imagePullPolicy"],
                         "Always")
        self.apply(pod("present", "example.com/course/k8s-demo", imagePullPolicy="IfNotPresent"))
        self.apply(pod("never", "example.com/course/k8s-demo", imagePullPolicy="Never"))
        for name in ("always", "present", "never"):
            self.wait_ready(f"app={name}")
        self.kubectl("delete", "pods", "always", "present", "never")

    def test_never_does_not_pull(self):
        self.apply(pod("absent", "example.com/course/absent:1", imagePullPolicy="Never"))
        eventually(lambda: self.reason("absent") == "ErrImageNeverPull", "ErrImageNeverPull")
        self.kubectl("delete", "pod", "absent")

    def test_an_archive_and_a_directory_are_loaded_and_removed(self):
        archive = os.path.join(IMAGES, "toolbox.tar")
        loaded = self.cluster.pinnace("image", "load", archive).stdout
        self.assertIn("Loaded pinnace/toolbox:1", loaded)
        layout = os.path.join(self.cluster.directory, "layout")
        with tarfile.open(os.path.join(IMAGES, "hello_2.tar")) as file:
            file.extractall(layout)
        loaded = self.cluster.pinnace("image", "load", layout).stdout
        self.assertIn("Loaded pinnace/hello:2", loaded)

        self.cluster.pinnace("image", "tag", "pinnace/hello:2", "gone:1")
        self.assertIn("gone:1", self.cluster.pinnace("image", "ls").stdout)
        self.cluster.pinnace("image", "rm", "gone:1")
        self.assertNotIn("gone:1", self.cluster.pinnace("image", "ls").stdout)
        self.apply(pod("gone", "gone:1"))
        eventually(lambda: self.reason("gone") in ("ErrImagePull", "ImagePullBackOff"), "no image")
        self.kubectl("delete", "pod", "gone")

    def test_what_is_no_archive_is_refused(self):
        path = os.path.join(self.cluster.directory, "no-archive")
        with open(path, "w") as file:
            file.write("not an archive")
        for arguments in (("load", path), ("load", path + "-missing"), ("tag", "absent:1", "b:1"),
                          ("tag", "pinnace/hello:1", "Not A Name"), ("rm", "absent:1")):
            result = self.cluster.pinnace("image", *arguments, check=False)
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertIn("pinnace: ", result.stderr)


if __name__ == "__main__":
    harness.main()
