#include "client/client.h"

#include <utility>

#include "api/json.h"
#include "base/strings.h"
#include "client/fibers.h"
#include "client/json_slices.h"
#include "client/status.h"

namespace pinnace::client {

namespace {

std::string_view content_type(std::optional<PatchType> patch) {
  if (!patch) return "application/json";
  switch (*patch) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
  }
  return "application/json";
}

void add_member(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  if (out.back() != '{') out += ',';
  api::write_json_string(out, key);
  out += ':';
  api::write_json_string(out, text);
}

std::string delete_body(const DeleteOptions& options) {
  std::string body = R"({"kind":"DeleteOptions","apiVersion":"v1")";
  add_member(body, "propagationPolicy", options.propagation_policy);
  if (options.grace_period_seconds) {
    body += R"(,"gracePeriodSeconds":)" + std::to_string(*options.grace_period_seconds);
  }
  if (!options.uid.empty() || !options.resource_version.empty()) {
    body += R"(,"preconditions":{)";
    add_member(body, "uid", options.uid);
    add_member(body, "resourceVersion", options.resource_version);
    body += '}';
  }
  return body + '}';
}

Request make_request(std::string_view method, std::string target, std::string body,
                     std::optional<PatchType> patch_type) {
  Request request;
  request.method = method;
  request.target = std::move(target);
  request.body = std::move(body);
  if (!request.body.empty()) request.content_type = content_type(patch_type);
  return request;
}

Result<std::shared_ptr<const std::string>> read(Result<Response> response) {
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status >= 400) {
    return std::unexpected(error_from_status(response->status, *response->body));
  }
  return std::move(response->body);
}

}  // namespace

Result<std::shared_ptr<const std::string>> Client::call(std::string_view method, std::string target,
                                                        std::string body,
                                                        std::optional<PatchType> patch_type) const {
  const Request request = make_request(method, std::move(target), std::move(body), patch_type);
  return read(Fibers::inside() ? Fibers::round_trip(transport_, request)
                               : transport_.round_trip(request));
}

Result<void> Client::remove_path(const std::string& target, const DeleteOptions& options) const {
  auto done = call("DELETE", target, delete_body(options));
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

void Client::send(Executor& executor, std::string_view method, std::string target, std::string body,
                  std::optional<PatchType> patch_type, Done done) const {
  transport_.send(
      make_request(method, std::move(target), std::move(body), patch_type), executor,
      [done = std::move(done)](Result<Response> response) { done(read(std::move(response))); });
}

void Client::send_remove(Executor& executor, std::string target, const DeleteOptions& options,
                         Done done) const {
  send(executor, "DELETE", std::move(target), delete_body(options), std::nullopt, std::move(done));
}

std::string Client::path(const api::ResourceName& resource, std::string_view ns,
                         std::string_view name, std::string_view subresource) {
  std::string out = resource.group.empty() ? "/api" : "/apis/" + std::string(resource.group);
  out.append("/").append(resource.version);
  if (resource.namespaced && !ns.empty()) out += "/namespaces/" + percent_encode(ns);
  out.append("/").append(resource.resource);
  if (!name.empty()) out += '/' + percent_encode(name);
  if (!subresource.empty()) out.append("/").append(subresource);
  return out;
}

std::string Client::list_query(const ListOptions& options) {
  std::string query;
  if (!options.label_selector.empty()) {
    query += "&labelSelector=" + percent_encode(options.label_selector);
  }
  if (!options.field_selector.empty()) {
    query += "&fieldSelector=" + percent_encode(options.field_selector);
  }
  if (!query.empty()) query.front() = '?';
  return query;
}

Result<Client::RawList> Client::split_list(std::string_view body) {
  RawList list;
  bool has_items = false;
  bool ok = for_each_member(body, [&](std::string_view key, std::string_view raw) {
    if (key == "metadata") {
      list.resource_version = plain_string(raw_member(raw, "resourceVersion"));
    } else if (key == "items" && raw.starts_with('[')) {
      has_items =
          for_each_element(raw, [&](std::string_view item) { list.items.emplace_back(item); });
    } else if (key == "items") {
      has_items = raw == "null";
    }
  });
  if (!ok || !has_items) return errors::internal("the server's answer is no list");
  return list;
}

}  // namespace pinnace::client
