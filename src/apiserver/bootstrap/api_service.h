// The Service default/kubernetes, and where the servers of this API are.
//
// How: alone on its store a server is the only endpoint. Of several, each renews a Lease in
//   kube-system that has its address; whoever looks lists those that did so lately.
// Source: Kubernetes' endpoint reconcilers ("lease") and API server identity leases.
#pragma once

#include "apiserver/bootstrap/seeder.h"

namespace pinnace::apiserver {

void seed_api_service(Seeder& seeder, Backend& backend);
// Every ten seconds makes it and its endpoints again if somebody removed or changed them.
void keep_api_service(const BackendRef& backend);

}  // namespace pinnace::apiserver
