"""What other_clients_test.py runs: Patroni's own store over the Kubernetes API, with two members that
want the leader lock. KUBECONFIG says where the cluster is; argument 1 is the context."""
import sys
import time

from patroni.dcs.kubernetes import Kubernetes


def member(name):
    return Kubernetes({"namespace": "default", "scope": "demo", "name": name, "ttl": 30,
                       "retry_timeout": 10, "loop_wait": 10, "labels": {"app": "patroni"},
                       "context": sys.argv[1], "use_endpoints": False, "pod_ip": "10.0.0.1"})


def until(check):
    for _ in range(300):
        value = check()
        if value:
            return value
        time.sleep(0.1)
    raise SystemExit("it did not come to pass")


def leader(store):
    found = store.get_cluster(True).leader
    return found and found.name


one, two = member("one"), member("two")
for store in (one, two):
    store.get_cluster(True)
print("initialize:", bool(one.initialize(create_new=True, sysid="42")))
print("lock:", *(bool(store.attempt_to_acquire_leader()) for store in (one, two)))
for store in (one, two):
    store.touch_member({"state": "running", "role": "replica", "conn_url": "postgres://x/y"})
print("leader:", until(lambda: leader(two)),
      "members:", sorted(each.name for each in two.get_cluster(True).members))
one.get_cluster(True)
print("renewed:", bool(one.update_leader(None)))
print("taken with what was read before:", bool(two.attempt_to_acquire_leader()))
until(lambda: leader(one))
one.delete_leader()
until(lambda: not leader(two))
print("taken when it was free:", bool(two.attempt_to_acquire_leader()))
sys.stdout.flush()
