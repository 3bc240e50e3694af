#include "apiserver/custom/definitions_controller.h"

#include <map>
#include <optional>

#include "api/json.h"
#include "api/json_scan.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/own_call.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "base/log.h"
#include "store/follower.h"

namespace pinnace::apiserver {
namespace {

bool is_marked_deleted(const store::Object& object) {
  static constexpr std::string_view kMark[] = {"metadata", "deletionTimestamp"};
  std::string room;
  return !api::find_in_json(object.json.read(room), kMark).empty();
}

constexpr std::string_view kDefinitions = "apiextensions.k8s.io/customresourcedefinitions";
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr std::size_t kDeletionsAtOnce = 64;

// All that a CustomKind is made of.
std::string signature_of(std::string_view json) {
  static constexpr std::string_view kSpec[] = {"spec"};
  static constexpr std::string_view kNames[] = {"status", "acceptedNames"};
  static constexpr std::string_view kDeleted[] = {"metadata", "deletionTimestamp"};
  std::string out;
  for (const std::span<const std::string_view> path :
       {std::span<const std::string_view>(kSpec), std::span<const std::string_view>(kNames),
        std::span<const std::string_view>(kDeleted)}) {
    (out += api::find_in_json(json, path)) += '\n';
  }
  return out;
}

class Controller : public std::enable_shared_from_this<Controller> {
 public:
  explicit Controller(const BackendRef& backend)
      : store_(backend->store()), executor_(backend->options.executor), backend_(backend) {}

  void start() {
    follower_.emplace(store_, std::string(kDefinitions), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
    look();
  }

 private:
  struct Entry {
    store::Revision revision = 0;
    std::string group;
    ClaimedNames names;
    bool has_conflict = false;
    bool is_served = false;
    std::string signature;
    CustomKindRef kind;
    std::size_t running = 0;  // Deletions of its objects.
  };

  void wake() {
    if (is_woken_.exchange(true)) return;
    executor_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->is_woken_ = false;
      self->look();
    });
  }

  void wake_later() {
    if (waits_.exchange(true)) return;
    executor_.schedule_after(kRetry, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->waits_ = false;
      self->wake();
    });
  }

  void look() {
    const BackendRef backend = backend_.lock();
    if (!backend || backend->is_shutting_down) return;
    follower_->take_changes();  // They only say that it is time to look.
    auto snapshot = store_.list(kDefinitions, "");
    if (!snapshot) return wake_later();
    bool changed = forget_all_but(*snapshot);
    greet(*snapshot);
    std::vector<store::Write> writes;
    for (const store::ObjectRef& object : snapshot->objects) {
      Entry& entry = entries_[object->key.name];
      if (entry.revision == object->revision && !entry.has_conflict) continue;
      changed = take_in(*backend, entry, object, writes) || changed;
    }
    if (changed) publish(*backend);
    for (store::Write& write : writes) commit(std::move(write));
    for (const store::ObjectRef& object : snapshot->objects) {
      empty_if_deleted(backend, object);
    }
  }

  bool forget_all_but(const store::Snapshot& snapshot) {
    std::set<std::string_view> there;
    for (const store::ObjectRef& object : snapshot.objects) there.insert(object->key.name);
    return std::erase_if(entries_,
                         [&](const auto& entry) { return !there.contains(entry.first); }) > 0;
  }

  // Those that are new here have a claim on the names that they got elsewhere or before.
  void greet(const store::Snapshot& snapshot) {
    for (const store::ObjectRef& object : snapshot.objects) {
      const auto [at, is_new] = entries_.try_emplace(object->key.name);
      if (!is_new) continue;
      api::Arena arena(64 << 10);
      const auto tree = parse_stored(arena, *object);
      if (!tree) continue;
      const auto* spec = tree->find("spec");
      at->second.group = spec == nullptr ? "" : spec->string_at("group");
      add_claimed_names(at->second.names, *tree);
    }
  }

  ClaimedNames claimed_by_others(const Entry& own) const {
    ClaimedNames all;
    for (const auto& [name, entry] : entries_) {
      if (&entry == &own || entry.group != own.group) continue;
      all.resources.insert(entry.names.resources.begin(), entry.names.resources.end());
      all.kinds.insert(entry.names.kinds.begin(), entry.names.kinds.end());
    }
    return all;
  }

  // Whether what is served changes.
  bool take_in(Backend& backend, Entry& entry, const store::ObjectRef& object,
               std::vector<store::Write>& writes) {
    api::Arena arena(64 << 10);
    auto tree = parse_stored(arena, *object);
    if (!tree) return false;
    entry.revision = object->revision;
    const auto* spec = tree->find("spec");
    entry.group = spec == nullptr ? "" : spec->string_at("group");
    const bool changes = settle_status(arena, *tree, claimed_by_others(entry), backend.now());
    entry.names = {};
    add_claimed_names(entry.names, *tree);
    entry.has_conflict = !is_condition_true(*tree, "NamesAccepted");
    if (changes) writes.push_back(update_of(*object, *tree));
    const bool serves = is_condition_true(*tree, "Established");
    const std::string json = changes ? api::to_json_text(*tree) : object->json.text();
    return serve(entry, *object, serves ? signature_of(json) : "", json);
  }

  bool serve(Entry& entry, const store::Object& object, std::string signature,
             const std::string& json) {
    if (entry.signature == signature) return false;
    entry.signature = std::move(signature);
    entry.kind = nullptr;
    if (entry.signature.empty()) return true;
    auto kind = CustomKind::create(unstored(object.key, json));
    if (kind)
      entry.kind = std::move(*kind);
    else
      log::warning("a CustomResourceDefinition cannot be served",
                   {{"name", object.key.name}, {"error", kind.error().message}});
    return true;
  }

  void publish(Backend& backend) {
    std::vector<CustomKindRef> kinds;
    for (const auto& [name, entry] : entries_) {
      if (entry.kind != nullptr && kinds.size() < kMaxCustomKinds) kinds.push_back(entry.kind);
    }
    backend.catalog.replace(std::move(kinds));
  }

  static store::Write update_of(const store::Object& object, const api::Value& tree) {
    SplitJson parts = split_json(tree);
    return {store::Write::Type::kUpdate, object.key,      object.uid, std::move(parts.head),
            std::move(parts.tail),       object.revision, true};
  }

  // A conflict means that a newer state is on its way here.
  void commit(store::Write write) {
    store_.commit(
        std::move(write), [weak = weak_from_this()](const Result<store::ObjectRef>& done) {
          const auto self = weak.lock();
          if (self && !done && !done.error().is("Conflict") && !done.error().is("NotFound")) {
            self->wake_later();
          }
        });
  }

  // One step on the way of a definition that is being deleted; the next is taken when it is done.
  void empty_if_deleted(const BackendRef& backend, const store::ObjectRef& object) {
    Entry& entry = entries_[object->key.name];
    if (entry.running > 0 || !is_marked_deleted(*object)) return;
    api::Arena arena(64 << 10);
    auto tree = parse_stored(arena, *object);
    if (!tree || !has_finalizer(*tree, kCleanupFinalizer)) return;
    // What was never served has no objects.
    if (entry.kind == nullptr) return finish(*backend, *object, arena, *tree);
    const api::ResourceInfo& resource = entry.kind->storage_version().resource;
    auto instances = store_.list(resource.storage_resource, "");
    if (!instances) return wake_later();
    if (instances->objects.empty()) return finish(*backend, *object, arena, *tree);
    const bool says_so = set_condition(arena, *tree,
                                       {"Terminating", "True", "InstanceDeletionInProgress",
                                        "CustomResource deletion is in progress"},
                                       backend->now());
    if (says_so) return commit(update_of(*object, *tree));
    delete_some(backend, entry, instances->objects);
    wake_later();
  }

  void finish(Backend& backend, const store::Object& object, api::Arena& arena, api::Value& tree) {
    set_condition(arena, tree,
                  {"Terminating", "False", "InstanceDeletionCompleted", "removed all instances"},
                  backend.now());
    api::Value rest = api::Value::array();
    for (const api::Value& item : tree.find_path({"metadata", "finalizers"})->items()) {
      if (!(item.is_string() && item.as_string() == kCleanupFinalizer)) rest.append(arena, item);
    }
    const bool is_last = rest.empty();
    if (is_last)
      meta_of(arena, tree).erase("finalizers");
    else
      meta_of(arena, tree).set_ref(arena, "finalizers", rest);
    store::Write write = update_of(object, tree);
    if (is_last) write.type = store::Write::Type::kDelete;
    commit(std::move(write));
  }

  // As a client would: admission, grace and finalizers have their say.
  void delete_some(const BackendRef& backend, Entry& entry,
                   const std::vector<store::ObjectRef>& objects) {
    const CallRef call = own_call(*backend, entry.kind->storage_version().resource, "delete");
    for (const store::ObjectRef& object : objects) {
      if (entry.running >= kDeletionsAtOnce) return;
      if (is_marked_deleted(*object)) continue;
      ++entry.running;
      run_deletion(backend, call, object->key, {},
                   [kind = entry.kind, name = std::string(entry.kind->definition_name()),
                    weak = weak_from_this()](const Result<store::ObjectRef>&, bool) {
                     if (const auto self = weak.lock()) self->deleted_one(name);
                   });
    }
  }

  void deleted_one(const std::string& name) {
    executor_.post([weak = weak_from_this(), name] {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = self->entries_.find(name);
      if (found == self->entries_.end() || found->second.running == 0) return;
      if (--found->second.running == 0) self->wake();
    });
  }

  store::Store& store_;
  Executor& executor_;
  const std::weak_ptr<Backend> backend_;
  std::optional<store::Follower> follower_;
  std::map<std::string, Entry> entries_;
  std::atomic<bool> is_woken_{false}, waits_{false};
};

}  // namespace

void follow_definitions(const BackendRef& backend) {
  auto controller = std::make_shared<Controller>(backend);
  controller->start();
  backend->definitions = std::move(controller);
}

}  // namespace pinnace::apiserver
