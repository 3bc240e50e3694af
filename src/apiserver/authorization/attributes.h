// Attributes are what is asked when a request is authorised: who wants to do what with which
// object, in the API's terms.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/authorization, "Request attributes".
#pragma once

#include <string>
#include <vector>

namespace pinnace::apiserver {

struct Call;

// One requirement of a field or label selector: "In", "NotIn", "Exists", "DoesNotExist".
struct SelectorTerm {
  std::string key, op;
  std::vector<std::string> values;
};

struct Attributes {
  std::string verb;
  bool is_resource = true;
  std::string group, resource, subresource, ns, name;
  std::string path;  // For non-resource URLs.
  std::string version;
  // What a list, watch or deletecollection is narrowed to; empty where it is not, or where the
  // selector cannot be read (the request fails later).
  std::vector<SelectorTerm> fields, labels;
};

Attributes attributes_of(const Call& call);

// The terms of selectors in their string form; empty for text that is none.
std::vector<SelectorTerm> field_terms(std::string_view selector);
std::vector<SelectorTerm> label_terms(std::string_view selector);

}  // namespace pinnace::apiserver
