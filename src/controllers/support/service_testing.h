// Services for the tests of Endpoints and EndpointSlices.
#pragma once

#include <string>

#include "controllers/support/service_pods.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers::testing {

// "default/web" on port 80 → `target`, with more members of the spec.
inline core_v1::Service make_service(const std::string& target = "8080",
                                     const std::string& more = "") {
  return from<core_v1::Service>(
      R"({"metadata":{"name":"web","namespace":"default","uid":"s","labels":{"app":"web"}},
          "spec":{"selector":{"app":"web"},"clusterIP":"10.96.0.7","ports":[
            {"name":"http","protocol":"TCP","port":80,"targetPort":)" +
      target + "}]" + more + "}}");
}

// A pod with an address and a port "http".
inline core_v1::Pod serving_pod(const std::string& name, const std::string& ip, bool ready = true,
                                int http_port = 8080) {
  auto pod = make_pod({.name = name, .ready = ready, .ip = ip});
  core_v1::ContainerPort port;
  port.name = "http";
  port.protocol = "TCP";
  port.container_port = http_port;
  pod.spec.containers.emplace_back().ports = {port};
  return pod;
}

}  // namespace pinnace::controllers::testing
