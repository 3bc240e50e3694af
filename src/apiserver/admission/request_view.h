// RequestView shows a request to those who are asked about it: its objects in the version that they
// want, the namespace, and the "request" of an AdmissionReview. Each part is made at most once.
//
// Lifetime: of one pass of one plugin over one request; everything lies in the change's arena.
// Threads: one at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"

namespace pinnace::apiserver {

class RequestView {
 public:
  explicit RequestView(AdmissionRequest& request) : request_(request) {}

  AdmissionRequest& request() const { return request_; }
  // The namespace of the request; nullptr for cluster scope, or when it has gone.
  const api::Value* namespace_object();
  // Other served versions of what is changed.
  const std::vector<const api::ResourceInfo*>& equivalents();

  struct Objects {
    api::Value object, old;  // Null where there is none.
  };
  Result<Objects> objects(const api::ResourceInfo& version);
  // Forgets the objects, because the request's was changed.
  void forget_objects() { objects_.clear(); }

  // "request" without the objects and the uid.
  api::Value describe(const api::ResourceInfo& version);

 private:
  api::Value options() const;

  AdmissionRequest& request_;
  bool looked_for_namespace_ = false;
  api::Value namespace_;
  std::optional<std::vector<const api::ResourceInfo*>> equivalents_;
  std::map<const api::ResourceInfo*, Objects> objects_;
};

std::string_view operation_name(Operation operation);  // "CREATE"

// Takes back an object that somebody changed in the form of `version`: unknown fields go, defaults
// come. The name and namespace stay what they were, and so do managedFields that would be broken.
Result<void> take_changed(AdmissionRequest& request, api::Value changed,
                          const api::ResourceInfo& version);

}  // namespace pinnace::apiserver
