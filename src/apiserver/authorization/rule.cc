#include "apiserver/authorization/rule.h"

#include <algorithm>

#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

using Texts = std::vector<std::string>;

bool has(const Texts& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

bool has_or_star(const Texts& list, std::string_view wanted) {
  return has(list, "*") || has(list, wanted);
}

bool url_matches(const Texts& urls, std::string_view path) {
  for (const std::string_view url : urls) {
    if (url == "*" || url == path) return true;
    if (url.ends_with('*') && path.starts_with(url.substr(0, url.size() - 1))) return true;
  }
  return false;
}

// `resource` may have a subresource after a slash.
bool names_resource(const Texts& resources, std::string_view resource) {
  if (has_or_star(resources, resource)) return true;
  const auto slash = resource.find('/');
  return slash != std::string_view::npos &&
         has(resources, "*" + std::string(resource.substr(slash)));
}

// One verb on one resource (of one name) or on one path.
std::vector<Rule> take_apart(const Rule& rule) {
  std::vector<Rule> out;
  for (const auto& group : rule.groups) {
    for (const auto& resource : rule.resources) {
      for (const auto& verb : rule.verbs) {
        if (rule.names.empty()) out.push_back({{verb}, {group}, {resource}, {}, {}});
        for (const auto& name : rule.names) {
          out.push_back({{verb}, {group}, {resource}, {name}, {}});
        }
      }
    }
  }
  for (const auto& url : rule.urls) {
    for (const auto& verb : rule.verbs) out.push_back({{verb}, {}, {}, {}, {url}});
  }
  return out;
}

// Whether `owner` gives all of `part`, which is one of those that take_apart makes.
bool covers(const Rule& owner, const Rule& part) {
  if (!has_or_star(owner.verbs, part.verbs[0])) return false;
  if (!part.urls.empty()) return url_matches(owner.urls, part.urls[0]);
  if (!has_or_star(owner.groups, part.groups[0])) return false;
  if (!names_resource(owner.resources, part.resources[0])) return false;
  return owner.names.empty() || (!part.names.empty() && has(owner.names, part.names[0]));
}

void append_list(std::string& out, std::string_view label, const Texts& list) {
  if (list.empty()) return;
  if (out.size() > 1) out += ", ";
  (out += label) += ":[";
  for (const auto& item : list) (out += &item == list.data() ? "" : " ") += quoted(item);
  out += ']';
}

}  // namespace

bool Rule::allows(const Attributes& wanted) const {
  if (!has_or_star(verbs, wanted.verb)) return false;
  if (!wanted.is_resource) return url_matches(urls, wanted.path);
  if (!has_or_star(groups, wanted.group)) return false;
  const bool is_named = wanted.subresource.empty()
                            ? has_or_star(resources, wanted.resource)
                            : names_resource(resources, wanted.resource + "/" + wanted.subresource);
  if (!is_named) return false;
  return names.empty() || (!wanted.name.empty() && has(names, wanted.name));
}

std::string Rule::text() const {
  std::string out = "{";
  append_list(out, "APIGroups", groups);
  append_list(out, "Resources", resources);
  append_list(out, "NonResourceURLs", urls);
  append_list(out, "ResourceNames", names);
  append_list(out, "Verbs", verbs);
  return out + "}";
}

std::vector<Rule> parse_rules(const api::Value* rules) {
  std::vector<Rule> out;
  if (rules == nullptr || !rules->is_array()) return out;
  for (const auto& item : rules->items()) {
    out.push_back({texts_of(item.find("verbs")), texts_of(item.find("apiGroups")),
                   texts_of(item.find("resources")), texts_of(item.find("resourceNames")),
                   texts_of(item.find("nonResourceURLs"))});
  }
  return out;
}

std::vector<Rule> missing_rules(const std::vector<Rule>& owned, const std::vector<Rule>& wanted) {
  std::vector<Rule> missing;
  for (const Rule& rule : wanted) {
    for (Rule& part : take_apart(rule)) {
      const bool is_held =
          std::ranges::any_of(owned, [&](const Rule& own) { return covers(own, part); });
      if (is_held) continue;
      const auto same = std::ranges::find_if(missing, [&](const Rule& other) {
        return other.urls.empty() && part.urls.empty() && other.groups == part.groups &&
               other.resources == part.resources && other.names == part.names;
      });
      if (same == missing.end()) {
        missing.push_back(std::move(part));
      } else if (!has(same->verbs, part.verbs[0])) {
        same->verbs.push_back(std::move(part.verbs[0]));
      }
    }
  }
  return missing;
}

}  // namespace pinnace::apiserver
