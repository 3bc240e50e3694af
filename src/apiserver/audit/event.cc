#include "apiserver/audit/event.h"

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::apiserver::audit {

namespace {

void open_member(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  api::write_json_string(out, key);
  out += ':';
}

void add(std::string& out, std::string_view key, std::string_view text) {
  open_member(out, key);
  api::write_json_string(out, text);
}

void add_if(std::string& out, std::string_view key, std::string_view text) {
  if (!text.empty()) add(out, key, text);
}

void add_raw(std::string& out, std::string_view key, std::string_view json) {
  open_member(out, key);
  out += json;
}

std::string list_json(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& each : list) {
    if (out.size() > 1) out += ',';
    api::write_json_string(out, each);
  }
  return out += ']';
}

std::string user_json(const User& user) {
  std::string out = "{";
  add_if(out, "username", user.name);
  add_if(out, "uid", user.uid);
  if (!user.groups.empty()) add_raw(out, "groups", list_json(user.groups));
  if (!user.extra.empty()) {
    std::string extra = "{";
    for (const auto& [key, values] : user.extra) add_raw(extra, key, list_json(values));
    add_raw(out, "extra", extra + '}');
  }
  return out += '}';
}

std::string object_json(const Event& event) {
  const RequestInfo& info = event.info;
  std::string out = "{";
  add_if(out, "resource", info.resource);
  add_if(out, "namespace", info.ns);
  add_if(out, "name", info.name);
  add_if(out, "uid", event.uid);
  add_if(out, "apiGroup", info.group);
  add_if(out, "apiVersion", info.version);
  add_if(out, "resourceVersion", event.revision);
  add_if(out, "subresource", info.subresource);
  return out += '}';
}

std::string status_json(const Event& event) {
  std::string out = R"({"metadata":{})";
  add_if(out, "status", event.status);
  add_if(out, "message", event.message);
  add_if(out, "reason", event.reason);
  if (!event.details.empty()) add_raw(out, "details", event.details);
  add_raw(out, "code", std::to_string(event.code));
  return out += '}';
}

std::string quoted_list(const std::vector<std::string>& list) {
  if (list.empty()) return "\"<lookup>\"";
  std::string inner;
  for (const auto& each : list) {
    if (!inner.empty()) inner += ',';
    api::write_json_string(inner, each);
  }
  std::string out;
  api::write_json_string(out, inner);
  return out;
}

}  // namespace

std::string json_item(const Event& event) {
  std::string out = "{";
  out.reserve(1024 + event.request_object.size() + event.response_object.size());
  add(out, "level", text_of(event.level));
  add(out, "auditID", event.id);
  add(out, "stage", text_of(event.stage));
  add(out, "requestURI", event.uri);
  add(out, "verb", event.info.verb);
  add_raw(out, "user", user_json(event.user));
  if (event.impersonated_user) {
    add_raw(out, "impersonatedUser", user_json(*event.impersonated_user));
  }
  if (!event.source_ips.empty()) add_raw(out, "sourceIPs", list_json(event.source_ips));
  add_if(out, "userAgent", event.user_agent);
  if (event.info.is_resource) add_raw(out, "objectRef", object_json(event));
  if (event.code != 0) add_raw(out, "responseStatus", status_json(event));
  if (!event.request_object.empty()) add_raw(out, "requestObject", event.request_object);
  if (!event.response_object.empty()) add_raw(out, "responseObject", event.response_object);
  add(out, "requestReceivedTimestamp", rfc3339_micro(event.received));
  add(out, "stageTimestamp", rfc3339_micro(event.staged));
  if (!event.annotations.empty()) {
    std::string annotations = "{";
    for (const auto& [key, value] : event.annotations) add(annotations, key, value);
    add_raw(out, "annotations", annotations + '}');
  }
  return out += '}';
}

std::string json_line(const Event& event) {
  std::string line = json_item(event);
  line.insert(1, R"("kind":"Event","apiVersion":"audit.k8s.io/v1",)");
  return line += '\n';
}

std::string legacy_line(const Event& event) {
  std::string out = rfc3339_micro(event.received) + " AUDIT:";
  const auto add_text = [&out](std::string_view key, std::string_view text) {
    ((out += ' ') += key) += '=';
    api::write_json_string(out, text);
  };
  add_text("id", event.id);
  add_text("stage", text_of(event.stage));
  add_text("ip", event.source_ips.empty() ? "<unknown>" : event.source_ips.front());
  add_text("method", event.info.verb);
  add_text("user", event.user.name.empty() ? "<none>" : event.user.name);
  out += " groups=" + quoted_list(event.user.groups);
  add_text("as", "<self>");
  add_text("asgroups", "<lookup>");
  add_text("user-agent", event.user_agent);
  add_text("namespace", event.info.ns.empty() ? "<none>" : event.info.ns);
  add_text("uri", event.uri);
  add_text("response", event.code == 0 ? "<deferred>" : std::to_string(event.code));
  return out += '\n';
}

}  // namespace pinnace::apiserver::audit
