#include "apiserver/bootstrap/bootstrap.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

// Whether an object that is there already is left as it is.
enum class Existing {
  kKeep,
  kFollow,     // It gets the members that it should have.
  kReconcile,  // It gets the rules or subjects that it lacks, and keeps those that it has more.
};

constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

constexpr std::string_view kEventRules = "\ncreate patch update / core events.k8s.io / events";

constexpr Duration kKeepPeriod = std::chrono::seconds(10);

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) (out += out.empty() ? "" : ",") += quoted(text);
  return "[" + out + "]";
}

// As JSON, with commas between them.
std::string rules_json(const std::vector<Rule>& rules) {
  std::string out;
  for (const Rule& rule : rules) {
    (out += out.empty() ? "" : ",") += "{\"verbs\":" + json_list(rule.verbs);
    if (!rule.urls.empty()) {
      out += ",\"nonResourceURLs\":" + json_list(rule.urls) + "}";
      continue;
    }
    out +=
        ",\"apiGroups\":" + json_list(rule.groups) + ",\"resources\":" + json_list(rule.resources);
    if (!rule.names.empty()) out += ",\"resourceNames\":" + json_list(rule.names);
    out += '}';
  }
  return out;
}

std::string rules_json(std::string_view text) { return rules_json(rules_of_text(text)); }

// Adds what a default role lacks; false when it lacks nothing.
bool add_rules(api::Arena& arena, api::Value& role, const api::Value& wanted) {
  if (const auto* aggregation = wanted.find("aggregationRule")) {
    // Its rules are what the others have.
    if (role.find("aggregationRule") != nullptr) return false;
    role.set_ref(arena, "aggregationRule", *aggregation);
    return true;
  }
  const auto missing =
      missing_rules(parse_rules(role.find("rules")), parse_rules(wanted.find("rules")));
  if (missing.empty()) return false;
  auto added = api::parse_json(arena, arena.copy("[" + rules_json(missing) + "]"));
  PINNACE_ASSERT(added.has_value());
  api::Value* rules = role.find("rules");
  if (rules == nullptr || !rules->is_array()) {
    role.set_ref(arena, "rules", *added);
    return true;
  }
  for (const auto& rule : added->items()) rules->append(arena, rule);
  return true;
}

bool add_subjects(api::Arena& arena, api::Value& binding, const api::Value& wanted) {
  const auto* role = wanted.find("roleRef");
  const auto* own = binding.find("roleRef");
  bool differs = own == nullptr || !api::equal(*own, *role);
  if (differs) binding.set_ref(arena, "roleRef", *role);
  const auto* subjects = wanted.find("subjects");
  if (subjects == nullptr || !subjects->is_array()) return differs;
  api::Value* kept = binding.find("subjects");
  if (kept == nullptr || !kept->is_array()) {
    if (subjects->empty()) return differs;
    kept = &binding.set_ref(arena, "subjects", api::Value::array());
  }
  for (const auto& subject : subjects->items()) {
    const auto is_same = [&](const api::Value& other) { return api::equal(other, subject); };
    if (std::ranges::any_of(kept->items(), is_same)) continue;
    kept->append(arena, subject);
    differs = true;
  }
  return differs;
}

// Sends off the writes of all objects; the store's writer gathers them into few syncs.
class Seeder {
 public:
  explicit Seeder(Backend& backend) : backend_(backend) {}

  // `json` has everything but apiVersion, kind and what the server gives.
  void add(std::string_view group, std::string_view version, std::string_view resource,
           const std::string& json, Existing existing = Existing::kKeep) {
    const api::ResourceInfo& info = *api::builtin_schema().find_resource(group, version, resource);
    api::Arena arena;
    auto object = api::parse_json(arena, json);
    if (!object) return fail(object.error());
    object->set_ref(arena, "apiVersion", api::Value::string(arena, group_version(group, version)));
    object->set_ref(arena, "kind", api::Value::string_ref(info.kind));
    if (auto ok = api::normalise(arena, *object, *info.type); !ok) return fail(ok.error());
    api::apply_defaults(arena, *object, *info.type);
    const store::Key key{std::string(info.storage_resource),
                         std::string(meta_text(*object, "namespace")),
                         std::string(meta_text(*object, "name"))};
    const auto found = backend_.store().get(key);
    if (!found) return create(arena, key, *object, info);
    if (existing == Existing::kFollow) follow(arena, **found, *object);
    if (existing == Existing::kReconcile) reconcile(arena, **found, *object);
  }

  // Waits until all are written; the first failure, if any.
  Result<void> wait() {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [this] { return open_ == 0; });
    if (failure_.message.empty()) return {};
    return std::unexpected(std::move(failure_));
  }

 private:
  void create(api::Arena& arena, const store::Key& key, api::Value& object,
              const api::ResourceInfo& info) {
    api::Value& meta = meta_of(arena, object);
    const api::TypeInfo& meta_type = *info.type->field("metadata")->type;
    const std::string uid = make_uuid(backend_.options.rng);
    api::set_in_order(arena, meta, meta_type, "uid", api::Value::string(arena, uid));
    api::set_in_order(arena, meta, meta_type, "creationTimestamp",
                      api::Value::string(arena, rfc3339(backend_.now())));
    write(store::Write::Type::kCreate, key, uid, object, 0);
  }

  // Writes the object when anything but its metadata is not what it should be.
  void follow(api::Arena& arena, const store::Object& stored, const api::Value& wanted) {
    auto object = api::parse_json(arena, stored.json);
    if (!object) return fail(object.error());
    bool differs = false;
    for (const auto& [key, value] : wanted.members()) {
      if (key == "metadata") continue;
      const auto* own = object->find(key);
      if (own != nullptr && api::equal(*own, value)) continue;
      object->set_ref(arena, key, value);
      differs = true;
    }
    if (!differs) return;
    write(store::Write::Type::kUpdate, stored.key, stored.uid, *object, stored.revision);
  }

  void reconcile(api::Arena& arena, const store::Object& stored, const api::Value& wanted) {
    auto object = api::parse_json(arena, stored.json);
    if (!object) return fail(object.error());
    const auto* update = object->find_path({"metadata", "annotations", kAutoUpdate});
    if (update != nullptr && update->is_string() && update->as_string() == "false") return;
    const bool is_role = wanted.find("roleRef") == nullptr;
    const bool differs =
        is_role ? add_rules(arena, *object, wanted) : add_subjects(arena, *object, wanted);
    if (differs) {
      write(store::Write::Type::kUpdate, stored.key, stored.uid, *object, stored.revision);
    }
  }

  void write(store::Write::Type type, const store::Key& key, const std::string& uid,
             const api::Value& object, store::Revision expected) {
    SplitJson parts = split_json(object);
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    store::Write write{type,     key, uid, std::move(parts.head), std::move(parts.tail),
                       expected, true};
    backend_.store().commit(std::move(write), [this](Result<store::ObjectRef> done) {
      const std::lock_guard lock(mutex_);  // Held while notifying: the waiter owns both.
      const bool is_there = done || done.error().is("AlreadyExists");
      if (!is_there && failure_.message.empty()) failure_ = std::move(done.error());
      if (--open_ == 0) settled_.notify_all();
    });
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (failure_.message.empty()) failure_ = error;
  }

  Backend& backend_;
  std::mutex mutex_;
  std::condition_variable settled_;
  std::size_t open_ = 0;
  Error failure_;
};

// What a role that gathers others may do, as the aggregation controller would write it down.
std::string gathered_rules(std::string_view label) {
  std::string out;
  for (const BootstrapRole& role : bootstrap_roles()) {
    if (role.aggregate_to != label) continue;
    const std::string rules =
        role.aggregates.empty() ? rules_json(role.rules) : gathered_rules(role.aggregates);
    out += (out.empty() ? "" : ",") + rules;
  }
  return out;
}

std::string meta_json(std::string_view ns, std::string_view name, const std::string& labels,
                      const std::string& more = "") {
  std::string out = "\"metadata\":{\"name\":" + quoted(name);
  if (!ns.empty()) out += ",\"namespace\":" + quoted(ns);
  if (!labels.empty()) out += ",\"labels\":{" + labels + "}";
  return out + more + "}";
}

std::string rbac_meta_json(std::string_view ns, std::string_view name, std::string_view label) {
  std::string labels = R"("kubernetes.io/bootstrapping":"rbac-defaults")";
  if (!label.empty()) {
    labels += ",\"rbac.authorization.k8s.io/aggregate-to-" + std::string(label) + "\":\"true\"";
  }
  return meta_json(ns, name, labels,
                   R"(,"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"true"})");
}

void seed_role(Seeder& seeder, const BootstrapRole& role) {
  std::string json = "{" + rbac_meta_json(role.ns, role.name, role.aggregate_to);
  const std::string label(role.aggregates);
  json += ",\"rules\":[" + (label.empty() ? rules_json(role.rules) : gathered_rules(label)) + "]";
  if (!label.empty()) {
    json += R"(,"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{)"
            R"("rbac.authorization.k8s.io/aggregate-to-)" +
            label + R"(":"true"}}]})";
  }
  seeder.add(kRbacGroup, "v1", role.ns.empty() ? "clusterroles" : "roles", json + "}",
             Existing::kReconcile);
}

void seed_binding(Seeder& seeder, const BootstrapBinding& binding) {
  const bool is_cluster = binding.ns.empty();
  std::string subjects;
  for (const std::string_view subject : split(binding.subjects, ' ')) {
    if (subject.empty()) continue;
    const auto colon = subject.find(':');
    const std::string_view kind = subject.substr(0, colon);
    std::string_view name = subject.substr(colon + 1);
    std::string scope = ",\"apiGroup\":" + quoted(kRbacGroup);
    if (kind == "ServiceAccount") {
      const auto slash = name.find('/');
      scope = ",\"namespace\":" + quoted(name.substr(0, slash));
      name.remove_prefix(slash + 1);
    }
    subjects += std::string(subjects.empty() ? "" : ",") + "{\"kind\":" + quoted(kind) +
                ",\"name\":" + quoted(name) + scope + "}";
  }
  seeder.add(kRbacGroup, "v1", is_cluster ? "clusterrolebindings" : "rolebindings",
             "{" + rbac_meta_json(binding.ns, binding.name, "") + ",\"subjects\":[" + subjects +
                 "],\"roleRef\":{\"apiGroup\":" + quoted(kRbacGroup) + ",\"kind\":\"" +
                 (is_cluster ? "ClusterRole" : "Role") + "\",\"name\":" + quoted(binding.role) +
                 "}}",
             Existing::kReconcile);
}

void seed_controller(Seeder& seeder, const ControllerRole& controller) {
  const std::string name = "system:controller:" + std::string(controller.name);
  std::string rules(controller.rules);
  if (controller.writes_events) rules += kEventRules;
  seed_role(seeder, {"", name, "", "", rules});
  const std::string subject = "ServiceAccount:kube-system/" + std::string(controller.name);
  seed_binding(seeder, {"", name, name, subject});
}

void seed_namespaces(Seeder& seeder) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    seeder.add("", "v1", "namespaces",
               "{" + meta_json("", name, "") +
                   R"(,"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})");
  }
}

void seed_priority_classes(Seeder& seeder) {
  struct Class {
    const char* name;
    int value;
    const char* description;
  };
  constexpr Class kClasses[] = {
      {"system-node-critical", 2000001000,
       "Used for system critical pods that must not be moved from their current node."},
      {"system-cluster-critical", 2000000000,
       "Used for system critical pods that must run in the cluster, but can be moved to another "
       "node if necessary."}};
  for (const Class& one : kClasses) {
    seeder.add("scheduling.k8s.io", "v1", "priorityclasses",
               "{" + meta_json("", one.name, "") + ",\"value\":" + std::to_string(one.value) +
                   ",\"description\":" + quoted(one.description) + "}");
  }
}

// The Service of the API itself, and where it is.
void seed_api_service(Backend& backend, Seeder& seeder) {
  const Options& options = backend.options;
  const std::string ip = backend.service_ips->address(1);
  const std::string port = std::to_string(options.advertise_port);
  const std::string ports = R"("ports":[{"name":"https","port":)" + port + R"(,"protocol":"TCP"}])";
  backend.service_ips->take(ip);
  seeder.add(
      "", "v1", "services",
      "{" +
          meta_json("default", "kubernetes", R"("component":"apiserver","provider":"kubernetes")") +
          R"(,"spec":{"type":"ClusterIP","ipFamilyPolicy":"SingleStack",)"
          R"("ipFamilies":["IPv4"],"ports":[{"name":"https","protocol":"TCP","port":443,)"
          R"("targetPort":)" +
          port + R"(}],"clusterIP":")" + ip + R"(","clusterIPs":[")" + ip + R"("]}})");
  seeder.add("", "v1", "endpoints",
             "{" +
                 meta_json("default", "kubernetes",
                           R"("endpointslice.kubernetes.io/skip-mirror":"true")") +
                 R"(,"subsets":[{"addresses":[{"ip":")" + options.advertise_address + R"("}],)" +
                 ports + "}]}",
             Existing::kFollow);
  seeder.add(
      "discovery.k8s.io", "v1", "endpointslices",
      "{" + meta_json("default", "kubernetes", R"("kubernetes.io/service-name":"kubernetes")") +
          R"(,"addressType":"IPv4","endpoints":[{"addresses":[")" + options.advertise_address +
          R"("],"conditions":{"ready":true}}],)" + ports + "}",
      Existing::kFollow);
  seeder.add("networking.k8s.io", "v1", "servicecidrs",
             "{" +
                 meta_json("", "kubernetes", "",
                           R"(,"finalizers":)"
                           R"(["networking.k8s.io/service-cidr-finalizer"])") +
                 R"(,"spec":{"cidrs":[)" + quoted(options.service_cidr) +
                 R"(]},"status":{"conditions":[{"type":"Ready","status":"True","reason":"",)"
                 R"("message":"Kubernetes Service CIDR is ready","lastTransitionTime":")" +
                 rfc3339(backend.now()) + R"("}]}})");
}

// How extension servers check who calls them.
void seed_authentication(Backend& backend, Seeder& seeder) {
  if (backend.options.cluster_ca_pem.empty()) return;
  seeder.add("", "v1", "configmaps",
             "{" + meta_json("kube-system", "extension-apiserver-authentication", "") +
                 ",\"data\":{\"client-ca-file\":" + quoted(backend.options.cluster_ca_pem) + "}}",
             Existing::kFollow);
}

}  // namespace

Result<void> bootstrap(const BackendRef& backend) {
  Seeder seeder(*backend);
  seed_namespaces(seeder);
  for (const BootstrapRole& role : bootstrap_roles()) seed_role(seeder, role);
  for (const BootstrapBinding& binding : bootstrap_bindings()) seed_binding(seeder, binding);
  for (const ControllerRole& controller : controller_roles()) seed_controller(seeder, controller);
  seed_priority_classes(seeder);
  seed_api_service(*backend, seeder);
  seed_authentication(*backend, seeder);
  return seeder.wait();
}

void keep_api_service(const BackendRef& backend) {
  backend->options.executor.schedule_after(kKeepPeriod, [weak = std::weak_ptr(backend)] {
    const auto open = weak.lock();
    if (!open || open->is_shutting_down) return;
    Seeder seeder(*open);
    seed_api_service(*open, seeder);
    if (auto kept = seeder.wait(); !kept) {
      log::warning("the Service of the API cannot be kept", {{"error", kept.error().message}});
    }
    keep_api_service(open);
  });
}

}  // namespace pinnace::apiserver
