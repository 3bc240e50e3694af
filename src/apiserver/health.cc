#include "apiserver/health.h"

#include <set>

#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

enum Endpoints : unsigned { kLive = 1, kReady = 2, kHealth = 4, kAll = kLive | kReady | kHealth };

struct Check {
  std::string_view name;
  unsigned endpoints;
  bool (*passes)(const Backend&);
};

bool always(const Backend&) { return true; }
bool has_store(const Backend& backend) {
  return backend.store().revision() > 0 || !backend.options.bootstrap;
}
bool has_begun(const Backend& backend) { return backend.is_ready.load(); }
bool goes_on(const Backend& backend) { return !backend.is_shutting_down.load(); }

constexpr Check kChecks[] = {
    {"ping", kAll, always},
    {"log", kAll, always},
    {"etcd", kAll, has_store},
    {"informer-sync", kReady, has_begun},
    {"poststarthook/priority-and-fairness-config-consumer", kAll, has_begun},
    {"poststarthook/crd-informer-synced", kAll, has_begun},
    {"poststarthook/start-system-namespaces-controller", kAll, has_begun},
    {"poststarthook/rbac/bootstrap-roles", kAll, has_begun},
    {"poststarthook/scheduling/bootstrap-system-priority-classes", kAll, has_begun},
    {"poststarthook/priority-and-fairness-config-producer", kAll, has_begun},
    {"poststarthook/bootstrap-controller", kAll, has_begun},
    {"poststarthook/apiservice-registration-controller", kAll, has_begun},
    {"autoregister-completion", kAll, has_begun},
    {"shutdown", kReady, goes_on},
};

unsigned endpoint_of(std::string_view name) {
  return name == "livez" ? kLive : name == "readyz" ? kReady : kHealth;
}

void note_check(Backend& backend, std::string_view name, std::string_view endpoint, bool passes) {
  const std::string check(name), type(endpoint);
  backend.checks.gauge("kubernetes_healthcheck", "Whether a check passed.", {"name", "type"})
      .with({check, type})
      .set(passes ? 1 : 0);
  backend.checks
      .counter("kubernetes_healthchecks_total", "How often checks passed, or not.",
               {"name", "status", "type"})
      .with({check, passes ? "success" : "error", type})
      .add(1);
}

std::string_view outcome_of(bool is_excluded, bool passes) {
  if (is_excluded) return " excluded: ok\n";
  return passes ? " ok\n" : " failed: reason withheld\n";
}

}  // namespace

void answer_health(Backend& backend, const CallRef& call) {
  constexpr std::string_view kText = "text/plain; charset=utf-8";
  const std::string_view path = std::string_view(call->info.path).substr(1);
  const std::string_view endpoint = path.substr(0, path.find('/'));
  const bool is_one = endpoint.size() < path.size();
  const std::string_view only = is_one ? path.substr(endpoint.size() + 1) : std::string_view();
  const auto listed = call->query.get_all("exclude");
  std::set<std::string> excluded(listed.begin(), listed.end());
  std::string report;
  bool passes = true, found = false;
  for (const Check& check : kChecks) {
    const bool is_asked = (check.endpoints & endpoint_of(endpoint)) != 0;
    if (!is_asked || (is_one && check.name != only)) continue;
    found = true;
    const bool is_excluded = excluded.erase(std::string(check.name)) != 0;
    const bool ok = is_excluded || check.passes(backend);
    if (!is_excluded) note_check(backend, check.name, endpoint, ok);
    passes = passes && ok;
    report += ok ? "[+]" : "[-]";
    report.append(check.name).append(outcome_of(is_excluded, ok));
  }
  if (!found || call->request.path.ends_with('/')) {
    return answer_text(*call, 404, kText, "404 page not found\n");
  }
  if (!excluded.empty()) {
    std::string names;
    for (const auto& name : excluded) names += (names.empty() ? "\"" : ",\"") + name + "\"";
    report += "warn: some health checks cannot be excluded: no matches for " + names + "\n";
  }
  if (!passes) {
    return answer_text(*call, 500, kText, report + std::string(endpoint) + " check failed\n");
  }
  if (is_one || !call->query.has("verbose")) return answer_text(*call, 200, kText, "ok");
  answer_text(*call, 200, kText, report + std::string(endpoint) + " check passed\n");
}

}  // namespace pinnace::apiserver
