#include "apiserver/bootstrap/seeder.h"

#include <algorithm>
#include <condition_variable>
#include <optional>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/strategies/strategy.h"
#include "base/assert.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) (out += out.empty() ? "" : ",") += json_quoted(text);
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

// False when it has none of them.
bool drop_subjects(api::Arena& arena, api::Value& binding, const std::string& retired) {
  const auto* subjects = binding.find("subjects");
  const auto unwanted = api::parse_json(arena, retired);
  PINNACE_ASSERT(unwanted.has_value());
  if (unwanted->empty() || subjects == nullptr || !subjects->is_array()) return false;
  api::Value kept = api::Value::array();
  for (const auto& subject : subjects->items()) {
    const auto is_same = [&](const api::Value& other) { return api::equal(other, subject); };
    if (std::ranges::none_of(unwanted->items(), is_same)) kept.append(arena, subject);
  }
  if (kept.size() == subjects->size()) return false;
  binding.set_ref(arena, "subjects", kept);
  return true;
}

}  // namespace

std::string rules_json(std::string_view text) { return rules_json(rules_of_text(text)); }

std::string meta_json(std::string_view ns, std::string_view name, const std::string& labels,
                      const std::string& more) {
  std::string out = "\"metadata\":{\"name\":" + json_quoted(name);
  if (!ns.empty()) out += ",\"namespace\":" + json_quoted(ns);
  if (!labels.empty()) out += ",\"labels\":{" + labels + "}";
  return out + more + "}";
}

void Seeder::add(std::string_view group, std::string_view version, std::string_view resource,
                 const std::string& json, Existing existing, const std::string& retired) {
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
  const auto found = backend_->store().get(key);
  if (!found) return create(arena, key, *object, info);
  if (existing == Existing::kFollow) follow(arena, **found, *object);
  if (existing == Existing::kReconcile) reconcile(arena, **found, *object, retired);
}

void Seeder::create(api::Arena& arena, const store::Key& key, api::Value& object,
                    const api::ResourceInfo& info) {
  api::Value& meta = meta_of(arena, object);
  const api::TypeInfo& meta_type = *info.type->field("metadata")->type;
  const std::string uid = make_uuid(backend_->options.rng);
  api::set_in_order(arena, meta, meta_type, "uid", api::Value::string(arena, uid));
  api::set_in_order(arena, meta, meta_type, "creationTimestamp",
                    api::Value::string(arena, rfc3339(backend_->now())));
  if (strategy_for(info).has_generation) {
    api::set_in_order(arena, meta, meta_type, "generation", api::Value::integer(1));
  }
  write_object(store::Write::Type::kCreate, key, uid, object, 0);
}

// Writes the object when anything but its metadata is not what it should be.
void Seeder::follow(api::Arena& arena, const store::Object& stored, const api::Value& wanted) {
  auto object = parse_stored(arena, stored);
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
  api::Value& meta = meta_of(arena, *object);
  if (const std::int64_t generation = meta.int_at("generation"); generation > 0) {
    meta.set_ref(arena, "generation", api::Value::integer(generation + 1));
  }
  write_object(store::Write::Type::kUpdate, stored.key, stored.uid, *object, stored.revision);
}

void Seeder::reconcile(api::Arena& arena, const store::Object& stored, const api::Value& wanted,
                       const std::string& retired) {
  auto object = parse_stored(arena, stored);
  if (!object) return fail(object.error());
  const auto* update = object->find_path({"metadata", "annotations", kAutoUpdate});
  if (update != nullptr && update->is_string() && update->as_string() == "false") return;
  const bool is_role = wanted.find("roleRef") == nullptr;
  bool differs = is_role ? add_rules(arena, *object, wanted) : add_subjects(arena, *object, wanted);
  if (!is_role) differs = drop_subjects(arena, *object, retired) || differs;
  if (differs) {
    write_object(store::Write::Type::kUpdate, stored.key, stored.uid, *object, stored.revision);
  }
}

void Seeder::write_object(store::Write::Type type, const store::Key& key, const std::string& uid,
                          const api::Value& object, store::Revision expected) {
  SplitJson parts = split_json(object);
  write({type, key, uid, std::move(parts.head), std::move(parts.tail), expected, true});
}

void Seeder::write(store::Write write) {
  {
    const std::lock_guard lock(mutex_);
    ++open_;
  }
  backend_->store().commit(
      std::move(write), [self = shared_from_this()](const Result<store::ObjectRef>& done) {
        const bool was_faster =
            !done && (done.error().is("AlreadyExists") || done.error().is("Conflict"));
        if (!done && !was_faster) self->fail(done.error());
        self->settle_one();
      });
}

void Seeder::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (failure_.message.empty()) failure_ = error;
}

void Seeder::settle_one() {
  {
    const std::lock_guard lock(mutex_);
    if (--open_ != 0) return;
  }
  if (failure_.message.empty()) return done_({});
  done_(std::unexpected(std::move(failure_)));
}

void Seeder::when_done(std::function<void(Result<void>)> done) {
  done_ = std::move(done);
  settle_one();
}

Result<void> Seeder::wait() {
  std::mutex mutex;
  std::condition_variable settled;
  std::optional<Result<void>> outcome;
  when_done([&](Result<void> result) {
    const std::lock_guard lock(mutex);  // Held while notifying: the waiter owns both.
    outcome.emplace(std::move(result));
    settled.notify_one();
  });
  std::unique_lock lock(mutex);
  settled.wait(lock, [&] { return outcome.has_value(); });
  return std::move(*outcome);
}

}  // namespace pinnace::apiserver
