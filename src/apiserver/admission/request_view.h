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
  // Of a version that a conversion webhook makes: once it was provided.
  Result<Objects> objects(const api::ResourceInfo& version);
  // Asks the conversion webhook for the objects in those of the versions that need it; `done` is
  // called at once when none does. The request is the view's, and the view lives until then.
  void provide(const AdmissionRequestRef& request, std::vector<const api::ResourceInfo*> versions,
               AdmissionDone done);
  bool is_provided(const api::ResourceInfo& version) const;
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

// Whether objects in this version are a conversion webhook's to make.
bool is_converted_by_webhook(const AdmissionRequest& request, const api::ResourceInfo& version);

std::string_view operation_name(Operation operation);  // "CREATE"

// What nobody may make of an object that he sees in the form of `version`: one of another kind
// (500), or in another namespace (400).
Result<void> check_identity(const AdmissionRequest& request, const api::Value& changed,
                            const api::ResourceInfo& version);
// The answer where a changed object cannot be taken back, by what `take_changed` said of it.
Unexpected undecodable(const AdmissionRequest& request, const Error& why);

// Takes back an object that somebody changed in the form of `version`: unknown fields go, defaults
// come. Only what a POST creates may get another name; managedFields that would be broken
// stay what they were.
Result<void> take_changed(AdmissionRequest& request, api::Value changed,
                          const api::ResourceInfo& version);
// The same where a conversion webhook may have to be asked.
void take_changed_by_asking(const AdmissionRequestRef& request, api::Value changed,
                            const api::ResourceInfo& version, AdmissionDone done);

}  // namespace pinnace::apiserver
