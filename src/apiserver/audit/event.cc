#include "apiserver/audit/event.h"

#include "api/json.h"
#include "base/strings.h"

namespace pinnace::apiserver::audit {

namespace {

void part(std::string& out) {
  if (out.back() != '{' && out.back() != '[') out += ',';
}

// `key` is one of ours, in which nothing is escaped.
void open_member(std::string& out, std::string_view key) {
  part(out);
  ((out += '"') += key) += "\":";
}

void open_member_of_client(std::string& out, std::string_view key) {
  part(out);
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

void write_list(std::string& out, const std::vector<std::string>& list) {
  out += '[';
  for (const auto& each : list) {
    part(out);
    api::write_json_string(out, each);
  }
  out += ']';
}

void write_user(std::string& out, const User& user) {
  out += '{';
  add_if(out, "username", user.name);
  add_if(out, "uid", user.uid);
  if (!user.groups.empty()) {
    open_member(out, "groups");
    write_list(out, user.groups);
  }
  if (!user.extra.empty()) {
    open_member(out, "extra");
    out += '{';
    for (const auto& [key, values] : user.extra) {
      open_member_of_client(out, key);
      write_list(out, values);
    }
    out += '}';
  }
  out += '}';
}

void write_object(std::string& out, const Event& event) {
  const RequestInfo& info = event.info;
  out += '{';
  add_if(out, "resource", info.resource);
  add_if(out, "namespace", info.ns);
  add_if(out, "name", info.name);
  add_if(out, "uid", event.uid);
  add_if(out, "apiGroup", info.group);
  add_if(out, "apiVersion", info.version);
  add_if(out, "resourceVersion", event.revision);
  add_if(out, "subresource", info.subresource);
  out += '}';
}

void write_status(std::string& out, const Event& event) {
  out += R"({"metadata":{})";
  add_if(out, "status", event.status);
  add_if(out, "message", event.message);
  add_if(out, "reason", event.reason);
  if (!event.details.empty()) add_raw(out, "details", event.details);
  add_raw(out, "code", std::to_string(event.code));
  out += '}';
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

// The members and the end of an object that is begun.
void write_item(std::string& out, const Event& event) {
  out.reserve(out.size() + 1024 + event.request_object.size() + event.response_object.size());
  add(out, "level", text_of(event.level));
  add(out, "auditID", event.id);
  add(out, "stage", text_of(event.stage));
  add(out, "requestURI", event.uri);
  add(out, "verb", event.info.verb);
  open_member(out, "user");
  write_user(out, event.user);
  if (event.impersonated_user) {
    open_member(out, "impersonatedUser");
    write_user(out, *event.impersonated_user);
  }
  if (!event.source_ips.empty()) {
    open_member(out, "sourceIPs");
    write_list(out, event.source_ips);
  }
  add_if(out, "userAgent", event.user_agent);
  if (event.info.is_resource) {
    open_member(out, "objectRef");
    write_object(out, event);
  }
  if (event.code != 0) {
    open_member(out, "responseStatus");
    write_status(out, event);
  }
  if (!event.request_object.empty()) add_raw(out, "requestObject", event.request_object);
  if (!event.response_object.empty()) add_raw(out, "responseObject", event.response_object);
  add(out, "requestReceivedTimestamp", rfc3339_micro(event.received));
  add(out, "stageTimestamp", rfc3339_micro(event.staged));
  if (!event.annotations.empty()) {
    open_member(out, "annotations");
    out += '{';
    for (const auto& [key, value] : event.annotations) {
      open_member_of_client(out, key);
      api::write_json_string(out, value);
    }
    out += '}';
  }
  out += '}';
}

}  // namespace

std::string json_item(const Event& event) {
  std::string out = "{";
  write_item(out, event);
  return out;
}

std::string json_line(const Event& event) {
  std::string line = R"({"kind":"Event","apiVersion":"audit.k8s.io/v1")";
  write_item(line, event);
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
