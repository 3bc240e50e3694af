// Between the versions of a custom kind whose definition names a conversion webhook.
//
// Why asked around the generic path and not in it: that works in the version of the request from
//   begin to end, as if objects were kept in it; only what comes from the store and goes to it is
//   converted, and for all other kinds `done` is called at once.
// Threads: from any; `done` runs on the call's I/O thread, or where the caller is when nothing had
//   to be asked. Nothing blocks.
// Errors: 500 with Kubernetes' words when the webhook fails, or changes what it must not.
// Bounds: at most kMaxConvertedAtOnce objects in one question, one question of a call at a time;
//   an answer may take kConversionTimeout.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Webhook conversion".
#pragma once

#include <functional>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxConvertedAtOnce = 500;
inline constexpr std::chrono::seconds kConversionTimeout{30};

// Whether objects of the call's resource are converted by a webhook at all.
bool has_conversion_webhook(const Call& call);

// Stored objects in the version of the call's resource, in the same order.
using ObjectsDone = std::function<void(Result<std::vector<store::ObjectRef>>)>;
void in_requested_version(const BackendRef& backend, const CallRef& call,
                          std::vector<store::ObjectRef> objects, ObjectsDone done);
void in_requested_version(const BackendRef& backend, const CallRef& call, store::ObjectRef object,
                          std::function<void(Result<store::ObjectRef>)> done);

// Objects of the call's kind in another of its versions, in the same order. `arena` lives until
// `done` is called.
using ValuesDone = std::function<void(Result<std::vector<api::Value>>)>;
void in_version(const BackendRef& backend, const CallRef& call, api::Arena& arena,
                const std::vector<api::Value>& objects, const api::ResourceInfo& version,
                ValuesDone done);

// `object`, which is in the version of the call's resource, becomes what is to be stored. `arena`
// and `object` live until `done` is called.
void in_stored_version(const BackendRef& backend, const CallRef& call, api::Arena& arena,
                       api::Value& object, std::function<void(Result<void>)> done);

// Answers with a stored object in the version of the call's resource.
void answer_converted(const BackendRef& backend, const CallRef& call, int status,
                      store::ObjectRef object);

}  // namespace pinnace::apiserver
