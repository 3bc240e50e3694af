// Selection is a request's label and field selector, ready to be asked about stored objects.
//
// Errors: 400 for a selector that does not parse or names a field that the kind does not offer.
// Cost: nothing of an object is parsed but what the selector names.
// Threads: immutable; `matches` uses a scratch arena of the calling thread.
#pragma once

#include <string>

#include "api/schema.h"
#include "api/selector.h"
#include "apiserver/http/query.h"
#include "store/store.h"

namespace pinnace::apiserver {

class Selection {
 public:
  static Result<Selection> parse(const Query& query);
  // Whether the kind offers every field that is named.
  Result<void> check_fields(const api::ResourceInfo& resource) const;
  bool matches_everything() const {
    return labels_.matches_everything() && fields_.matches_everything();
  }
  bool matches(const store::Object& object) const;
  // The same of what is not kept anywhere and has neither namespace nor labels.
  bool matches_name(std::string_view name) const;
  // Besides, no object but this one.
  void keep_only(const std::string& name);
  // The one name that can match, or "".
  const std::string& only_name() const { return only_name_; }

 private:
  bool matches_labels(const store::Object& object, std::string_view json) const;

  api::LabelSelector labels_;
  api::FieldSelector fields_;
  std::string only_name_;
  bool needs_body_ = false;
};

}  // namespace pinnace::apiserver
