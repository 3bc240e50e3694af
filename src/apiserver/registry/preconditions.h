// What a change demands of the object that is there: to be the one that the client saw.
//
// Errors: 409 in Kubernetes' words, which name the key under which it keeps the object.
// Source: k8s.io/apiserver pkg/storage (Preconditions) and pkg/registry/rest (BeforeDelete).
#pragma once

#include <string>
#include <string_view>

#include "apiserver/http/call.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

// "/registry/pods/default/a": where Kubernetes keeps it.
std::string registry_path(const api::ResourceInfo& storage, const store::Key& key);

// Of a write: `there` is "" when there is no such object.
Unexpected other_uid(const Call& call, const store::Key& key, std::string_view wanted,
                     std::string_view there);
Unexpected other_revision(const Call& call, const store::Key& key, std::string_view wanted,
                          std::string_view there);

}  // namespace pinnace::apiserver
