#include "apiserver/authentication/impersonation.h"

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kUser = "impersonate-user", kGroup = "impersonate-group",
                           kUid = "impersonate-uid", kExtra = "impersonate-extra-";
constexpr std::string_view kAuthenticationGroup = "authentication.k8s.io";

Attributes demand(std::string_view group, std::string_view resource, std::string_view subresource,
                  std::string_view ns, std::string_view name) {
  return {"impersonate",
          true,
          std::string(group),
          std::string(resource),
          std::string(subresource),
          std::string(ns),
          std::string(name),
          "",
          "v1",
          {},
          {}};
}

// Of a header that begins with kExtra.
std::string extra_key(std::string_view header) {
  const std::string raw(header.substr(kExtra.size()));
  return to_lower(percent_decode(raw).value_or(raw));
}

// "system:serviceaccount:NS:NAME" taken apart; false for other names.
bool split_account(std::string_view user, std::string_view& ns, std::string_view& name) {
  if (!user.starts_with(kServiceAccountPrefix)) return false;
  user.remove_prefix(std::string_view(kServiceAccountPrefix).size());
  const auto colon = user.find(':');
  if (colon == std::string_view::npos || user.find(':', colon + 1) != std::string_view::npos) {
    return false;
  }
  ns = user.substr(0, colon);
  name = user.substr(colon + 1);
  return !ns.empty() && !name.empty();
}

// The references that Kubernetes makes of the headers, as Go prints them: kind, namespace, name,
// uid, apiVersion, resourceVersion and fieldPath.
std::string shown_requests(const net::Headers& headers) {
  constexpr std::string_view kVersion = "authentication.k8s.io/v1";
  std::string out;
  const auto show = [&](std::string_view kind, std::string_view name, std::string_view version,
                        std::string_view path) {
    out += out.empty() ? "[{" : " {";
    ((out += kind) += "  ") += name;
    ((out += "  ") += version) += "  ";
    (out += path) += "}";
  };
  for (const std::string_view group : headers.get_all(kGroup)) show("Group", group, "", "");
  for (const auto& [name, value] : headers.all()) {
    if (name.starts_with(kExtra)) {
      show("UserExtra", value, kVersion, extra_key(name));
    }
  }
  const std::string_view uid = headers.get(kUid);
  if (!uid.empty()) show("UID", uid, kVersion, "");
  return out + "]";
}

}  // namespace

Result<std::optional<Impersonation>> read_impersonation(const net::Headers& headers) {
  Impersonation out;
  bool has_any = false;
  for (const auto& [name, value] : headers.all()) {
    if (!name.starts_with("impersonate-")) continue;
    has_any = has_any || (name == kUser && !value.empty()) || name == kGroup || name == kUid ||
              name.starts_with(kExtra);
  }
  if (!has_any) return std::optional<Impersonation>();
  User& user = out.user;
  user.name = headers.get(kUser);
  if (user.name.empty()) {
    return errors::bad_request("requested " + shown_requests(headers) +
                               " without impersonating a user");
  }
  std::string_view ns, account;
  const bool is_account = split_account(user.name, ns, account);
  out.demands.push_back(is_account ? demand("", "serviceaccounts", "", ns, account)
                                   : demand("", "users", "", "", user.name));
  for (const std::string_view group : headers.get_all(kGroup)) {
    if (group.empty()) continue;
    user.groups.emplace_back(group);
    out.demands.push_back(demand("", "groups", "", "", group));
  }
  for (const auto& [name, value] : headers.all()) {
    if (!name.starts_with(kExtra) || name.size() == kExtra.size()) continue;
    const std::string key = extra_key(name);
    user.extra[key].push_back(value);
    out.demands.push_back(demand(kAuthenticationGroup, "userextras", key, "", value));
  }
  if (const std::string_view uid = headers.get(kUid); !uid.empty()) {
    user.uid = uid;
    out.demands.push_back(demand(kAuthenticationGroup, "uids", "", "", uid));
  }
  if (is_account && user.groups.empty()) {
    user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + std::string(ns)};
  }
  const char* kind = user.name == kAnonymous ? kUnauthenticated : kAuthenticated;
  if (!user.in_group(kind) && !user.in_group(kUnauthenticated)) user.groups.emplace_back(kind);
  return out;
}

}  // namespace pinnace::apiserver
