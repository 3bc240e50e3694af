#include "apiserver/http/request_metrics.h"

#include <algorithm>
#include <mutex>
#include <string_view>
#include <vector>

#include "api/deprecations.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/registry/applying.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxKinds = 2000;
const std::vector<std::string> kLabels = {"component",   "group", "resource", "scope",
                                          "subresource", "verb",  "version"};
const std::vector<double> kSeconds = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1,  1.25, 1.5, 2,
                                      3,     4,     5,    6,   8,   10,  15,  20,  30, 45,   60};
const std::vector<double> kOwnSeconds(kSeconds.begin() + 2, kSeconds.end());
const std::vector<double> kEventBytes = {1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072};
const std::vector<double> kBytes = {1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

// What one request is counted under.
struct Kind {
  std::string_view component, group, resource, scope, subresource, verb, version, dry_run;
};

std::string_view verb_of(const Call& call) {
  static constexpr struct {
    std::string_view verb, shown;
  } kVerbs[] = {
      {"get", "GET"},    {"list", "LIST"},   {"watch", "WATCH"},   {"create", "POST"},
      {"update", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}, {"deletecollection", "DELETE"}};
  const RequestInfo& info = call.info;
  if (connects(info)) return "CONNECT";
  if (info.verb == "patch" && is_apply_patch(call)) return "APPLY";
  for (const auto& [verb, shown] : kVerbs) {
    if (verb == info.verb) return shown;
  }
  return "other";
}

std::string_view scope_of(const RequestInfo& info) {
  if (!info.name.empty() || info.verb == "create") return "resource";
  return info.ns.empty() ? "cluster" : "namespace";
}

std::string_view dry_run_of(const Query& query) {
  const auto said = query.get_all("dryRun");
  if (said.empty()) return "";
  return std::ranges::all_of(said, [](const auto& each) { return each == "All"; }) ? "All"
                                                                                   : "invalid";
}

Kind kind_of(const Call& call) {
  const RequestInfo& info = call.info;
  if (!info.is_resource) return {"", "", "", "", info.path, "GET", "", ""};
  return {"apiserver",      info.group,    info.resource, scope_of(info),
          info.subresource, verb_of(call), info.version,  dry_run_of(call.query)};
}

bool counts(const Call& call, int status) {
  if (status == 0) return false;  // Nobody was there to hear the answer.
  if (call.info.is_resource) {
    return call.resource != nullptr && call.resource->enabled && status != 405 &&
           (call.info.subresource.empty() || call.subresource != nullptr);
  }
  const std::string& path = call.info.path;
  return (path == "/livez" || path == "/readyz" || path == "/healthz") && status != 401 &&
         status != 403;
}

std::vector<std::string> labels_of(const Kind& kind) {
  std::vector<std::string> labels;
  for (const std::string_view each : {kind.component, kind.group, kind.resource, kind.scope,
                                      kind.subresource, kind.verb, kind.version}) {
    labels.emplace_back(each);
  }
  return labels;
}

// With a value for dry_run, which stands second.
std::vector<std::string> with_dry_run(std::vector<std::string> labels, std::string_view value) {
  labels.insert(labels.begin() + 1, std::string(value));
  return labels;
}

std::vector<std::string> with_code(std::vector<std::string> labels, std::string_view value) {
  labels.insert(labels.begin(), std::string(value));
  return labels;
}

bool is_deprecated(const api::ResourceInfo& resource) {
  if (resource.custom != nullptr) return !resource.custom->deprecation_warning.empty();
  return !api::deprecation_of(resource).empty();
}

}  // namespace

RequestMetrics::RequestMetrics(metrics::Registry& registry)
    : total_(registry.counter("apiserver_request_total",
                              "Requests by what they ask and the answer.",
                              with_code(with_dry_run(kLabels, "dry_run"), "code"))),
      open_(registry.gauge("apiserver_longrunning_requests", "Open requests that last.", kLabels)),
      deprecated_(registry.gauge(
          "apiserver_requested_deprecated_apis", "Deprecated versions that clients asked for.",
          {"group", "removed_release", "resource", "subresource", "version"})),
      events_(registry.counter("apiserver_watch_events_total", "Events that watches were told.",
                               {"group", "resource", "version"})),
      seconds_(registry.histogram("apiserver_request_duration_seconds",
                                  "Time to an answer, or to its head.", kSeconds,
                                  with_dry_run(kLabels, "dry_run"))),
      own_seconds_(registry.histogram("apiserver_request_sli_duration_seconds",
                                      "The same without the time in a queue.", kOwnSeconds,
                                      kLabels)),
      bytes_(registry.histogram("apiserver_response_sizes", "Bytes of answers to reads.", kBytes,
                                kLabels)),
      event_bytes_(registry.histogram("apiserver_watch_events_sizes", "Bytes of such events.",
                                      kEventBytes, {"group", "resource", "version"})),
      mutating_(registry
                    .gauge("apiserver_current_inflight_requests",
                           "Requests under way that do not last.", {"request_kind"})
                    .with({"mutating"})),
      read_only_(registry.gauge("apiserver_current_inflight_requests", "").with({"readOnly"})) {}

void RequestMetrics::count(const Call& call, int status, Duration took) {
  if (!counts(call, status)) return;
  const Kind kind = kind_of(call);
  thread_local std::string key;
  key.clear();
  for (const std::string_view each : {kind.group, kind.resource, kind.scope, kind.subresource,
                                      kind.verb, kind.version, kind.dry_run}) {
    (key += each) += '\0';
  }
  key += std::to_string(status);
  const Counted* counted = find(key);
  if (counted == nullptr) counted = &add(key, call, status);
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  counted->total.add(1);
  counted->seconds.observe(seconds(took));
  const fairness::Place& place = call.turn.place();
  const Duration waited =
      call.turn.flow() == nullptr ? Duration::zero() : place.began() - place.arrived();
  counted->own_seconds.observe(seconds(std::max(took - waited, Duration::zero())));
  if (counted->bytes != nullptr) counted->bytes->observe(static_cast<double>(call.answer_bytes));
}

const RequestMetrics::Counted* RequestMetrics::find(const std::string& key) const {
  const std::shared_lock lock(mutex_);
  const auto found = counted_.find(key);
  return found == counted_.end() ? nullptr : found->second.get();
}

const RequestMetrics::Counted& RequestMetrics::add(const std::string& key, const Call& call,
                                                   int status) {
  const Kind kind = kind_of(call);
  const std::lock_guard lock(mutex_);
  const bool is_full = counted_.size() >= kMaxKinds;
  auto& counted = counted_[is_full ? std::string() : key];
  if (counted) return *counted;
  const auto labels =
      is_full ? std::vector<std::string>(kLabels.size(), "overflow") : labels_of(kind);
  const std::string_view dry_run = is_full ? "overflow" : kind.dry_run;
  const auto dry_labels = with_dry_run(labels, dry_run);
  const bool is_read = kind.verb == "GET" || kind.verb == "LIST";
  counted = std::make_unique<const Counted>(
      Counted{total_.with(with_code(dry_labels, is_full ? "overflow" : std::to_string(status))),
              seconds_.with(dry_labels), own_seconds_.with(labels),
              is_read || is_full ? &bytes_.with(labels) : nullptr});
  if (!is_full && call.resource != nullptr && is_deprecated(*call.resource)) {
    deprecated_
        .with({labels[1], std::string(api::removed_release_of(*call.resource)), labels[2],
               labels[4], labels[6]})
        .set(1);
  }
  return *counted;
}

RequestMetrics::Told RequestMetrics::told(const Call& call) {
  const std::vector<std::string> labels = {call.info.group, call.info.resource, call.info.version};
  return {events_.with(labels), event_bytes_.with(labels)};
}

metrics::Series& RequestMetrics::open(const Call& call) {
  return open_.with(labels_of(kind_of(call)));
}

}  // namespace pinnace::apiserver
