#include "apiserver/fairness/controller.h"

#include <set>

#include "api/json.h"
#include "apiserver/bootstrap/seeder.h"
#include "apiserver/fairness/default_objects.h"
#include "apiserver/registry/conditions.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/log.h"
#include "store/follower.h"

namespace pinnace::apiserver::fairness {
namespace {

constexpr Duration kLook = std::chrono::minutes(1);
constexpr Duration kShareOut = std::chrono::seconds(10);
constexpr std::string_view kGroup = "flowcontrol.apiserver.k8s.io";

class Controller : public std::enable_shared_from_this<Controller> {
 public:
  explicit Controller(const BackendRef& backend)
      : store_(backend->store()), executor_(backend->options.executor), backend_(backend) {}

  void start() {
    for (const std::string_view resource : {kPriorityLevels, kFlowSchemas}) {
      followers_.push_back(std::make_unique<store::Follower>(store_, std::string(resource),
                                                             [weak = weak_from_this()] {
                                                               if (const auto self = weak.lock())
                                                                 self->wake();
                                                             }));
    }
    look();
    every(kShareOut, [](Controller&, Backend& backend) { backend.turns.share_out(); });
    every(kLook, [](Controller& self, Backend&) { self.look(); });
  }

 private:
  void every(Duration period, void (*work)(Controller&, Backend&)) {
    executor_.schedule_after(period, [weak = weak_from_this(), period, work] {
      const auto self = weak.lock();
      const BackendRef backend = self ? self->backend_.lock() : nullptr;
      if (!backend || backend->is_shutting_down) return;
      work(*self, *backend);
      self->every(period, work);
    });
  }

  void wake() {
    if (is_woken_.exchange(true)) return;
    executor_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->is_woken_ = false;
      self->look();
    });
  }

  void look() {
    const BackendRef backend = backend_.lock();
    if (!backend || backend->is_shutting_down) return;
    // They only say that it is time to look.
    for (const auto& follower : followers_) follower->take_changes();
    const auto levels = store_.list(kPriorityLevels, "");
    const auto schemas = store_.list(kFlowSchemas, "");
    if (!levels || !schemas) return;
    std::vector<PriorityLevel> all_levels;
    std::vector<FlowSchema> all_schemas;
    std::set<std::string> names;
    for (const auto& object : levels->objects) {
      tend(*backend, *object, false, names, [&](const api::Value& tree) {
        all_levels.push_back(read_priority_level(tree));
        names.insert(object->key.name);
      });
    }
    for (const auto& object : schemas->objects) {
      tend(*backend, *object, true, names,
           [&](const api::Value& tree) { all_schemas.push_back(read_flow_schema(tree)); });
    }
    if (backend->options.bootstrap) make_missing(backend, *levels, *schemas);
    backend->turns.configure(
        digest(std::move(all_levels), std::move(all_schemas), backend->turns.concurrency()));
  }

  // Reads an object as it should be, and writes it if it is not so. `names` of levels that are
  // there.
  template <typename Read>
  void tend(const Backend& backend, const store::Object& object, bool is_schema,
            const std::set<std::string>& names, Read read) {
    api::Arena arena;
    auto tree = parse_stored(arena, object);
    if (!tree) return;
    if (backend.options.bootstrap && !is_being_deleted(*tree) && is_obsolete(is_schema, *tree)) {
      return write(store::Write::Type::kDelete, object, *tree);
    }
    const DefaultObject* wanted = find_default(is_schema, object.key.name);
    bool changes = backend.options.bootstrap && wanted != nullptr && revise(arena, *wanted, *tree);
    if (is_schema) changes = say_dangling(backend, arena, *tree, names) || changes;
    if (changes) write(store::Write::Type::kUpdate, object, *tree);
    read(*tree);
  }

  static bool say_dangling(const Backend& backend, api::Arena& arena, api::Value& schema,
                           const std::set<std::string>& names) {
    const api::Value* level = schema.find_path({"spec", "priorityLevelConfiguration", "name"});
    if (level == nullptr || !level->is_string()) return false;
    const std::string name(level->as_string());
    const Dangling said = dangling(name, names.contains(name));
    return set_condition(arena, schema, {"Dangling", said.status, said.reason, said.message},
                         backend.now());
  }

  // A default schema's level is there before it.
  static std::string json_of(const DefaultObject& object, WallTime now) {
    const std::string mark = json_quoted(kAutoUpdate) + R"(:"true")";
    std::string status;
    if (object.is_schema) {
      const Dangling said = dangling(read_flow_schema(object.tree).level, true);
      status = R"("conditions":[{"type":"Dangling","status":)" + json_quoted(said.status) +
               R"(,"lastTransitionTime":)" + json_quoted(rfc3339(now)) + R"(,"reason":)" +
               json_quoted(said.reason) + R"(,"message":)" + json_quoted(said.message) + "}]";
    }
    return "{" + meta_json("", object.name, "", R"(,"generation":1,"annotations":{)" + mark + "}") +
           ",\"spec\":" + api::to_json_text(*object.tree.find("spec")) + ",\"status\":{" + status +
           "}}";
  }

  void make_missing(const BackendRef& backend, const store::Snapshot& levels,
                    const store::Snapshot& schemas) {
    const auto has = [](const store::Snapshot& snapshot, std::string_view name) {
      return std::ranges::any_of(snapshot.objects,
                                 [&](const auto& object) { return object->key.name == name; });
    };
    const auto seeder = std::make_shared<Seeder>(backend);
    for (const DefaultObject& object : default_objects()) {
      if (has(object.is_schema ? schemas : levels, object.name)) continue;
      seeder->add(kGroup, "v1", object.is_schema ? "flowschemas" : "prioritylevelconfigurations",
                  json_of(object, backend->now()));
    }
    seeder->when_done([](const Result<void>& made) {
      if (made) return;
      log::warning("default objects of flow control cannot be made",
                   {{"error", made.error().message}});
    });
  }

  // A conflict means that a newer state is on its way here.
  void write(store::Write::Type type, const store::Object& object, const api::Value& tree) {
    SplitJson parts = split_json(tree);
    store_.commit({type, object.key, object.uid, std::move(parts.head), std::move(parts.tail),
                   object.revision, true},
                  [name = object.key.name](const Result<store::ObjectRef>& done) {
                    if (done || done.error().is("Conflict") || done.error().is("NotFound")) return;
                    log::warning("an object of flow control cannot be written",
                                 {{"name", name}, {"error", done.error().message}});
                  });
  }

  store::Store& store_;
  Executor& executor_;
  const std::weak_ptr<Backend> backend_;
  std::vector<std::unique_ptr<store::Follower>> followers_;
  std::atomic<bool> is_woken_{false};
};

}  // namespace

void follow_flow_control(const BackendRef& backend) {
  auto controller = std::make_shared<Controller>(backend);
  controller->start();
  backend->flow_control = std::move(controller);
}

}  // namespace pinnace::apiserver::fairness
