"""Prints a config dump: WORKLOADS workloads, ten behind each service, and 100 pods with 200 connections each.

Usage: python3 bench/config_dump.py WORKLOADS > dump.json
"""

import json
import sys


def workload(i):
    namespace, app = f"ns-{i // 250}", f"app-{i // 10}"
    name = f"{app}-{i % 10}"
    return {
        "uid": f"cluster1//Pod/{namespace}/{name}",
        "name": name,
        "namespace": namespace,
        "workloadIps": [f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"],
        "protocol": "HBONE",
        "networkMode": "Standard",
        "trustDomain": "cluster.local",
        "serviceAccount": app,
        "workloadName": app,
        "workloadType": "deployment",
        "canonicalName": app,
        "canonicalRevision": "v1",
        "node": f"node-{i % 1000}",
        "status": "Healthy",
        "clusterId": "cluster1",
        "locality": {"region": "eu", "zone": f"eu-{i % 3}", "subzone": ""},
        "services": [f"{namespace}/{app}.{namespace}.svc.cluster.local"],
        "capacity": 1,
    }


def service(number, members):
    namespace, app = members[0]["namespace"], members[0]["serviceAccount"]
    return {
        "name": app,
        "namespace": namespace,
        "hostname": f"{app}.{namespace}.svc.cluster.local",
        "vips": [f"/172.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"],
        "ports": {"80": 8080},
        "endpoints": {
            w["uid"]: {"workloadUid": w["uid"], "port": {"80": 8080}, "status": "Healthy"} for w in members
        },
        "subjectAltNames": [],
        "canonical": True,
        "visibility": "Public",
    }


def pod(w):
    outbound = [
        {
            "src": f"{w['workloadIps'][0]}:{20000 + n}",
            "originalDst": "172.16.0.1:80",
            "actualDst": "10.0.0.9:15008",
            "protocol": "HBONE",
        }
        for n in range(200)
    ]
    return {
        "state": "Up",
        "info": {"name": w["name"], "namespace": w["namespace"], "serviceAccount": "x"},
        "connections": {"inbound": [], "outbound": outbound},
    }


workloads = [workload(i) for i in range(int(sys.argv[1]))]
services = [service(n, workloads[n * 10 : n * 10 + 10]) for n in range((len(workloads) + 9) // 10)]
dump = {
    "certificates": [],
    "policies": [],
    "services": services,
    "workloadState": {f"uid-{i}": pod(w) for i, w in enumerate(workloads[:100])},
    "workloads": workloads,
}
json.dump(dump, sys.stdout, indent=2)
