#include "apiserver/openapi/openapi_paths.h"

#include <algorithm>

#include "apiserver/strategies/strategy.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::FieldInfo;
using api::ResourceInfo;
using api::SubresourceInfo;
using Content = ApiOperation::Content;

constexpr ApiParameter kPretty = {"pretty", "string", "If \"true\", the answer is indented."};
constexpr ApiParameter kNamespace = {"namespace", "string", "Name of the namespace.", true};
constexpr ApiParameter kProxyPath = {"path", "string", "Path below the proxied address.", true};
constexpr ApiParameter kWrite[] = {
    {"dryRun", "string", "\"All\": run every stage, keep nothing."},
    {"fieldManager", "string", "Name of whoever makes the change."},
    {"fieldValidation", "string",
     "What to do with unknown and duplicate fields: Ignore, Warn (the default) or Strict."},
};
constexpr ApiParameter kForce = {"force", "boolean",
                                 "Take over fields that others own. Only with apply patches."};
constexpr ApiParameter kDelete[] = {
    {"dryRun", "string", "\"All\": run every stage, keep nothing."},
    {"gracePeriodSeconds", "integer", "Seconds before the object is removed; 0: at once."},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
     "Remove an object that cannot be read any more."},
    {"orphanDependents", "boolean", "Deprecated: use propagationPolicy."},
    {"propagationPolicy", "string",
     "What becomes of dependents: Orphan, Background or Foreground."},
};
constexpr ApiParameter kSelect[] = {
    {"continue", "string", "The token of an earlier answer, to go on after it."},
    {"fieldSelector", "string", "Restricts the objects by their fields."},
    {"labelSelector", "string", "Restricts the objects by their labels."},
    {"limit", "integer", "The most objects that one answer may have."},
    {"resourceVersion", "string", "The state that the answer is about."},
    {"resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."},
    {"sendInitialEvents", "boolean", "Whether a watch begins with what is there already."},
    {"timeoutSeconds", "integer", "Seconds after which the request ends."},
};
constexpr ApiParameter kWatch[] = {
    {"allowWatchBookmarks", "boolean", "Whether the client understands BOOKMARK events."},
    {"watch", "boolean", "Send changes as they happen, instead of a list."},
};

constexpr std::string_view kRead[] = {"200", "401"};
constexpr std::string_view kCreated[] = {"200", "201", "202", "401"};
constexpr std::string_view kReplaced[] = {"200", "201", "401"};
constexpr std::string_view kDeleted[] = {"200", "202", "401"};

struct Verb {
  std::string_view name, method, action;
  std::string_view id;   // how operation ids call it
  std::string_view doc;  // before the kind
  bool is_of_collection;
  std::span<const std::string_view> statuses;
};
constexpr Verb kVerbs[] = {
    {"list", "get", "list", "list", "list or watch objects of kind ", true, kRead},
    {"create", "post", "post", "create", "create a ", true, kCreated},
    {"deletecollection", "delete", "deletecollection", "delete", "delete collection of ", true,
     kRead},
    {"get", "get", "get", "read", "read the specified ", false, kRead},
    {"update", "put", "put", "replace", "replace the specified ", false, kReplaced},
    {"patch", "patch", "patch", "patch", "partially update the specified ", false, kReplaced},
    {"delete", "delete", "delete", "delete", "delete a ", false, kDeleted},
};

// Of old: what `watch` of a list does now.
constexpr Verb kWatchList = {
    "watch", "get", "watchlist", "watch", "watch individual changes to a list of ", true, kRead};
constexpr Verb kWatchOne = {"watch", "get", "watch", "watch", "watch changes to an object of kind ",
                            false,   kRead};
// Of proxies, besides those that verbs stand for.
constexpr Verb kProxyVerbs[] = {{"get", "head", "connect", "", "", false, kRead},
                                {"get", "options", "connect", "", "", false, kRead}};

template <typename Range>
void append(std::vector<ApiParameter>& to, const Range& more) {
  to.insert(to.end(), std::begin(more), std::end(more));
}

std::string capitalised(std::string_view word) {
  std::string text(word);
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

// "rbac.authorization.k8s.io" → "RbacAuthorization"
std::string group_word(std::string_view group) {
  if (group.empty()) return "Core";
  constexpr std::string_view kSuffix = ".k8s.io";
  if (group.ends_with(kSuffix)) group.remove_suffix(kSuffix.size());
  std::string word;
  for (const std::string_view part : split(group, '.')) word += capitalised(part);
  return word;
}

bool is_same(const ApiParameter& one, const ApiParameter& other) {
  return one.name == other.name && one.type == other.type && one.doc == other.doc;
}

bool has(const ApiOperation& operation, const ApiParameter& parameter) {
  return std::ranges::any_of(operation.parameters,
                             [&](const ApiParameter& own) { return is_same(own, parameter); });
}

// What all operations of a path take stands at the path; parameters are sorted by name.
void tidy_parameters(ApiPath& path) {
  std::vector<ApiParameter> shared = path.operations.front().parameters;
  std::erase_if(shared, [&](const ApiParameter& parameter) {
    return !std::ranges::all_of(path.operations,
                                [&](const ApiOperation& each) { return has(each, parameter); });
  });
  append(path.parameters, shared);
  // Those in the path before their namesakes in the query.
  std::ranges::stable_sort(path.parameters, {}, &ApiParameter::name);
  for (ApiOperation& operation : path.operations) {
    std::erase_if(operation.parameters, [&](const ApiParameter& parameter) {
      return std::ranges::any_of(shared,
                                 [&](const ApiParameter& one) { return is_same(one, parameter); });
    });
    std::ranges::sort(operation.parameters, {}, &ApiParameter::name);
  }
}

// "rbac.authorization.k8s.io" → "rbacAuthorization"
std::string group_tag(std::string_view group) {
  std::string tag = group_word(group);
  tag[0] = static_cast<char>(tag[0] - 'A' + 'a');
  return tag;
}

class PathMaker {
 public:
  PathMaker(const Catalog& catalog, std::string_view group, std::string_view version)
      : catalog_(catalog),
        group_(group),
        version_(version),
        root_(version_path(group, version)),
        word_(group_word(group) + capitalised(version)) {
    tag_ = group_tag(group) + "_" + std::string(version);
  }

  std::vector<ApiPath> make() {
    add_discovery();
    for (const ResourceInfo* resource : catalog_.resources(group_, version_)) {
      add_resource(*resource);
    }
    for (ApiPath& path : paths_) tidy_parameters(path);
    return std::move(paths_);
  }

 private:
  const api::TypeInfo* shared(std::string_view name) const {
    return catalog_.find_type("meta.k8s.io", "v1", name);
  }

  void add_discovery() {
    ApiOperation operation;
    operation.method = "get";
    operation.id = "get" + word_ + "APIResources";
    operation.doc = "get available resources";
    operation.tag = tag_;
    operation.answer = shared("APIResourceList");
    operation.content = Content::kDiscovery;
    operation.statuses = kRead;
    paths_.push_back({root_ + "/", {}, {}});
    paths_.back().operations.push_back(std::move(operation));
  }

  void add_resource(const ResourceInfo& resource) {
    std::string base = root_;
    std::vector<ApiParameter> parameters = {kPretty};
    if (resource.namespaced) {
      if (resource.has_verb("list")) add_list_of_all_namespaces(resource);
      base += "/namespaces/{namespace}";
      parameters.insert(parameters.begin(), kNamespace);
    }
    (base += '/') += resource.name;
    ApiPath collection{base, parameters, {}}, object{base + "/{name}", {}, {}};
    object.parameters = parameters;
    const ApiParameter name = {"name", "string", "Name of the object.", true};
    object.parameters.insert(object.parameters.begin(), name);
    for (const Verb& verb : kVerbs) {
      if (!resource.has_verb(verb.name)) continue;
      auto& path = verb.is_of_collection ? collection : object;
      path.operations.push_back(resource_operation(resource, verb, ""));
    }
    const std::vector<ApiParameter> of_object = object.parameters;
    if (!collection.operations.empty()) paths_.push_back(std::move(collection));
    if (!object.operations.empty()) paths_.push_back(std::move(object));
    for (const SubresourceInfo& sub : resource.subresources) {
      add_subresource(resource, sub, base + "/{name}/" + std::string(sub.name), of_object);
    }
    if (resource.has_verb("watch") && resource.custom == nullptr) {
      add_watches(resource, base.substr(root_.size()), parameters, of_object);
    }
  }

  // `below`: the path of the resource below that of its version.
  void add_watches(const ResourceInfo& resource, const std::string& below,
                   const std::vector<ApiParameter>& of_collection,
                   const std::vector<ApiParameter>& of_object) {
    const std::string root = root_ + "/watch";
    const auto add = [&](std::string path, const std::vector<ApiParameter>& parameters,
                         const Verb& verb, std::string_view id_end) {
      paths_.push_back({std::move(path), parameters, {}});
      paths_.back().operations.push_back(watch_operation(resource, verb, id_end));
    };
    if (resource.namespaced && resource.has_verb("list")) {
      add(root + "/" + std::string(resource.name), {kPretty}, kWatchList, "ListForAllNamespaces");
    }
    if (resource.has_verb("list")) add(root + below, of_collection, kWatchList, "List");
    if (resource.has_verb("get")) add(root + below + "/{name}", of_object, kWatchOne, "");
  }

  ApiOperation watch_operation(const ResourceInfo& resource, const Verb& verb,
                               std::string_view id_end) {
    ApiOperation made = operation(verb, resource.group, resource.version, resource.kind);
    const bool is_of_one_namespace = resource.namespaced && !id_end.starts_with("ListFor");
    made.id = "watch" + word_ + (is_of_one_namespace ? "Namespaced" : "") +
              std::string(resource.kind) + std::string(id_end);
    made.doc = std::string(verb.doc) + std::string(resource.kind);
    made.answer = shared("WatchEvent");
    made.content = Content::kList;
    append(made.parameters, kWatch);
    append(made.parameters, kSelect);
    return made;
  }

  void add_list_of_all_namespaces(const ResourceInfo& resource) {
    ApiPath path{root_ + "/" + std::string(resource.name), {kPretty}, {}};
    path.operations.push_back(resource_operation(resource, kVerbs[0], "ForAllNamespaces"));
    paths_.push_back(std::move(path));
  }

  ApiOperation operation(const Verb& verb, std::string_view group, std::string_view version,
                         std::string_view kind) {
    ApiOperation made;
    made.method = verb.method;
    made.action = verb.action;
    made.tag = tag_;
    made.statuses = verb.statuses;
    made.group = group;
    made.version = version;
    made.kind = kind;
    return made;
  }

  // The parameters, body and answer of a verb on objects of `type`.
  void describe(ApiOperation& made, const Verb& verb, const api::TypeInfo* type) {
    made.answer = type;
    if (verb.name == "create" || verb.name == "update") {
      append(made.parameters, kWrite);
      made.body = type;
    } else if (verb.name == "patch") {
      append(made.parameters, kWrite);
      made.parameters.push_back(kForce);
      made.body = shared("Patch");
    } else if (verb.name == "delete" || verb.name == "deletecollection") {
      if (verb.name == "deletecollection") append(made.parameters, kSelect);
      for (const ApiParameter& parameter : kDelete) made.parameters.push_back(parameter);
      made.body = shared("DeleteOptions");
      made.answer = shared("Status");
    } else if (verb.name == "list") {
      append(made.parameters, kWatch);
      append(made.parameters, kSelect);
      made.content = Content::kList;
    }
  }

  ApiOperation resource_operation(const ResourceInfo& resource, const Verb& verb,
                                  std::string_view id_end) {
    ApiOperation made = operation(verb, resource.group, resource.version, resource.kind);
    made.is_custom = resource.custom != nullptr;
    const bool is_namespaced = resource.namespaced && id_end.empty();
    made.id = std::string(verb.id) + word_ + (verb.name == "deletecollection" ? "Collection" : "") +
              (is_namespaced ? "Namespaced" : "") + std::string(resource.kind) +
              std::string(id_end);
    made.doc = std::string(verb.doc) + std::string(resource.kind);
    const bool is_list = verb.name == "list" && resource.list_type != nullptr;
    describe(made, verb, is_list ? resource.list_type : resource.type);
    const bool returns_deleted = strategy_for(resource.storage_resource).returns_deleted;
    if (verb.name == "delete" && returns_deleted) made.answer = resource.type;
    return made;
  }

  void add_subresource(const ResourceInfo& resource, const SubresourceInfo& sub, std::string path,
                       std::vector<ApiParameter> parameters) {
    // Streams and proxies: what they take is in the query, what they carry is no object.
    const bool is_connection = sub.kind.ends_with("Options");
    if (is_connection) {
      std::erase_if(parameters, [](const ApiParameter& one) { return is_same(one, kPretty); });
    }
    ApiPath plain{path, parameters, {}};
    for (const Verb& verb : kVerbs) {
      if (std::ranges::find(sub.verbs, verb.name) == sub.verbs.end()) continue;
      plain.operations.push_back(is_connection ? connection(resource, sub, verb, "")
                                               : sub_operation(resource, sub, verb));
    }
    if (plain.operations.empty()) return;
    paths_.push_back(std::move(plain));
    if (sub.name != "proxy") return;
    for (const Verb& verb : kProxyVerbs) {
      paths_.back().operations.push_back(connection(resource, sub, verb, ""));
    }
    ApiPath with_path{path + "/{path}", std::move(parameters), {}};
    with_path.parameters.push_back(kProxyPath);
    for (const Verb& verb : kVerbs) {
      if (std::ranges::find(sub.verbs, verb.name) == sub.verbs.end()) continue;
      with_path.operations.push_back(connection(resource, sub, verb, "WithPath"));
    }
    for (const Verb& verb : kProxyVerbs) {
      with_path.operations.push_back(connection(resource, sub, verb, "WithPath"));
    }
    paths_.push_back(std::move(with_path));
  }

  std::string sub_id(const ResourceInfo& resource, const SubresourceInfo& sub) {
    return (resource.namespaced ? "Namespaced" : "") + std::string(resource.kind) +
           capitalised(sub.name);
  }

  ApiOperation sub_operation(const ResourceInfo& resource, const SubresourceInfo& sub,
                             const Verb& verb) {
    ApiOperation made = operation(verb, sub.group, sub.version, sub.kind);
    made.is_custom = resource.custom != nullptr;
    made.id = std::string(verb.id) + word_ + sub_id(resource, sub);
    std::string doc(verb.doc);
    if (doc.ends_with(" a ")) doc.resize(doc.size() - 2);
    if (doc.ends_with(" the specified ")) doc.resize(doc.size() - 14);
    made.doc = doc + std::string(sub.name) + " of the specified " + std::string(resource.kind);
    if (sub.name == "log") {
      made.content = Content::kLog;
      add_options(made, catalog_.find_type(group_, version_, "PodLogOptions"));
    } else {
      describe(made, verb, sub.type);
    }
    return made;
  }

  ApiOperation connection(const ResourceInfo& resource, const SubresourceInfo& sub,
                          const Verb& verb, std::string_view id_end) {
    ApiOperation made = operation(verb, sub.group, sub.version, sub.kind);
    made.action = "connect";
    made.id =
        "connect" + word_ + capitalised(verb.method) + sub_id(resource, sub) + std::string(id_end);
    std::string method(verb.method);
    for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
    made.doc = "connect " + method + " requests to " + std::string(sub.name) + " of " +
               std::string(resource.kind);
    made.content = Content::kText;
    made.statuses = kRead;
    add_options(made, sub.type);
    return made;
  }

  // The fields of an options kind are parameters of the query.
  static void add_options(ApiOperation& made, const api::TypeInfo* options) {
    if (options == nullptr) return;
    for (const FieldInfo& field : options->fields) {
      if (field.form == api::Form::kTime) continue;
      const bool is_number = field.form == api::Form::kInt32 || field.form == api::Form::kInt64;
      const std::string_view type = field.form == api::Form::kBool ? "boolean"
                                    : is_number                    ? "integer"
                                                                   : "string";
      made.parameters.push_back({field.name, type, field.doc});
    }
  }

  const Catalog& catalog_;
  std::string_view group_, version_;
  std::string root_, word_, tag_;
  std::vector<ApiPath> paths_;
};

constexpr std::string_view kPatchTypes[] = {
    "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml"};
constexpr std::string_view kCustomPatchTypes[] = {
    "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"};
constexpr std::string_view kObjectTypes[] = {"application/json", "application/yaml",
                                             "application/vnd.kubernetes.protobuf"};
constexpr std::string_view kListTypes[] = {
    "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"};
constexpr std::string_view kCustomTypes[] = {"application/json", "application/yaml"};
constexpr std::string_view kTextTypes[] = {"*/*"};
constexpr std::string_view kLogTypes[] = {"text/plain", "application/json", "application/yaml",
                                          "application/vnd.kubernetes.protobuf"};
constexpr std::string_view kJsonTypes[] = {"application/json"};
constexpr std::string_view kKeySetTypes[] = {"application/jwk-set+json"};

ApiPath discovery_path(std::string path, std::string id, std::string doc, std::string tag,
                       const api::TypeInfo* answer, Content content) {
  ApiOperation operation;
  operation.method = "get";
  operation.id = std::move(id);
  operation.doc = std::move(doc);
  operation.tag = std::move(tag);
  operation.answer = answer;
  operation.content = content;
  operation.statuses = kRead;
  return {std::move(path), {}, {std::move(operation)}};
}

}  // namespace

std::vector<ApiPath> discovery_paths(const Catalog& catalog) {
  const auto shared = [&](std::string_view name) {
    return catalog.find_type("meta.k8s.io", "v1", name);
  };
  std::vector<ApiPath> paths;
  paths.push_back(discovery_path("/.well-known/openid-configuration/",
                                 "getServiceAccountIssuerOpenIDConfiguration",
                                 "get what says where the issuer of service accounts has its keys",
                                 "WellKnown", nullptr, Content::kJson));
  paths.push_back(discovery_path("/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset",
                                 "get the public keys of the issuer of service accounts", "openid",
                                 nullptr, Content::kKeySet));
  constexpr std::string_view kVersionsDoc = "get available API versions";
  paths.push_back(discovery_path("/api/", "getCoreAPIVersions", std::string(kVersionsDoc), "core",
                                 shared("APIVersions"), Content::kDiscovery));
  paths.push_back(discovery_path("/apis/", "getAPIVersions", std::string(kVersionsDoc), "apis",
                                 shared("APIGroupList"), Content::kDiscovery));
  for (const std::string_view group : catalog.groups()) {
    if (group.empty() || catalog.versions(group).empty()) continue;
    const auto& own = api::builtin_schema().groups();
    if (std::ranges::find(own, group) == own.end()) continue;
    paths.push_back(discovery_path(
        "/apis/" + std::string(group) + "/", "get" + group_word(group) + "APIGroup",
        "get information of a group", group_tag(group), shared("APIGroup"), Content::kDiscovery));
  }
  return paths;
}

std::vector<ApiPath> api_paths(const Catalog& catalog, std::string_view group,
                               std::string_view version) {
  return PathMaker(catalog, group, version).make();
}

std::string version_path(std::string_view group, std::string_view version) {
  if (group.empty()) return "/api/" + std::string(version);
  return "/apis/" + std::string(group) + "/" + std::string(version);
}

std::span<const std::string_view> patch_media_types(const ApiOperation& operation) {
  if (operation.is_custom) return kCustomPatchTypes;
  return kPatchTypes;
}

std::span<const std::string_view> answer_media_types(const ApiOperation& operation) {
  if (operation.is_custom && operation.content != Content::kText) return kCustomTypes;
  switch (operation.content) {
    case Content::kObject:
    case Content::kDiscovery:
      return kObjectTypes;
    case Content::kList:
      return kListTypes;
    case Content::kLog:
      return kLogTypes;
    case Content::kJson:
      return kJsonTypes;
    case Content::kKeySet:
      return kKeySetTypes;
    case Content::kText:
      break;
  }
  return kTextTypes;
}

std::span<const std::string_view> body_media_types(const ApiOperation& operation) {
  if (operation.action == "patch") return patch_media_types(operation);
  switch (operation.content) {
    case Content::kDiscovery:
      return kObjectTypes;
    case Content::kJson:
    case Content::kKeySet:
      return {};
    default:
      return kTextTypes;
  }
}

std::string_view status_text(std::string_view status) {
  if (status == "200") return "OK";
  if (status == "201") return "Created";
  if (status == "202") return "Accepted";
  return "Unauthorized";
}

}  // namespace pinnace::apiserver
