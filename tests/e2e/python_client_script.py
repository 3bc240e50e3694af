"""What python_client_test.py runs: argument 1 is the kubeconfig."""
import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream

config.load_kube_config(sys.argv[1])
api = client.CoreV1Api()

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
       "spec": {"containers": [{"name": "web", "image": "pinnace/hello:1"}]}}

print("created", api.create_namespaced_pod("default", POD).metadata.name)
pods = api.list_namespaced_pod("default", label_selector="app=web")
print("listed", [pod.metadata.name for pod in pods.items])
events = watch.Watch()
for event in events.stream(api.list_namespaced_pod, "default", label_selector="app=web",
                           timeout_seconds=60):
    conditions = event["object"].status.conditions or []
    if any(each.type == "Ready" and each.status == "True" for each in conditions):
        print("watched ready")
        events.stop()
said = stream(api.connect_get_namespaced_pod_exec, "web", "default",
              command=["sh", "-c", "echo hello from inside"], stderr=True, stdin=False,
              stdout=True, tty=False)
print("exec said", said.strip())
print("deleted", api.delete_namespaced_pod("web", "default", grace_period_seconds=1).metadata.name)
