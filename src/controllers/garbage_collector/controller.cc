#include "controllers/garbage_collector/controller.h"

#include "api/json.h"
#include "client/informer.h"
#include "client/json_slices.h"
#include "controllers/garbage_collector/graph.h"
#include "controllers/garbage_collector/plan.h"
#include "controllers/support/custom_resources.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"
#include "controllers/support/resources.h"
#include "controllers/support/times.h"

namespace pinnace::controllers {
namespace {

using gc::Node;
using gc::OwnerState;
using gc::Place;
using gc::Presence;
using gc::Verdict;
using gc::Wakes;

constexpr std::string_view kName = "generic-garbage-collector";
// Work begins when all lists are there, or after this: a kind that cannot be listed must not stop
// the collection of all others (owners are verified by a read before anything is deleted).
constexpr Duration kPatience = std::chrono::seconds(10);
// Keys of the queue: what to do and a uid.
constexpr char kLook = 'l', kVerify = 'v', kOrphan = 'o';

// What is read of it here. Most objects have no owners and are not to go: a name is all they have.
Result<meta_v1::ObjectMeta> decode_meta(std::string_view json) {
  std::string_view uid, name, ns;
  std::string rest = "{";
  const bool ok = client::for_each_member(
      client::from_member(json, "metadata"), [&](std::string_view key, std::string_view raw) {
        if (key == "uid") uid = client::plain_string(raw);
        if (key == "name") name = client::plain_string(raw);
        if (key == "namespace") ns = client::plain_string(raw);
        if (key != "ownerReferences" && key != "finalizers" && key != "deletionTimestamp") return;
        if (rest.size() > 1) rest += ',';
        rest.append(1, '"').append(key).append("\":").append(raw);
      });
  if (!ok || uid.empty()) return errors::bad_request("an object without metadata");
  meta_v1::ObjectMeta meta;
  if (rest.size() > 1) {
    api::Arena arena;
    const auto tree = api::parse_json(arena, rest += '}');
    if (!tree) return std::unexpected(tree.error());
    auto decoded = api::decode<meta_v1::ObjectMeta>(*tree);
    if (!decoded) return decoded;
    meta = std::move(*decoded);
  }
  meta.uid = uid;
  meta.name = name;
  meta.namespace_ = ns;
  return meta;
}

// An object that work is about. Its Node may come and go while a call is under way.
struct Subject {
  std::string uid;
  Place place;
};

class GarbageCollector : public Controller {
 public:
  explicit GarbageCollector(Context& context)
      : context_(context),
        custom_(
            context.api, context.executor, [this](const auto& added) { add_custom(added); },
            [this](const auto& gone) { drop_custom(gone); }),
        graph_([this](const auto& owner, const auto& ns) { return resolve(owner, ns); }),
        worker_(context, kName, [this](const auto& key) { return work(key); }) {
    for (const auto* resource : resources_with({"list", "watch", "delete"})) {
      // Events are many, short-lived, and owned by nobody.
      if (resource->name == "events") continue;
      resources_.push_back({name_of(*resource), resource->storage_resource, {}});
    }
  }
  ~GarbageCollector() override { context_.executor.cancel(patience_); }

  void start() override {
    waiting_ = resources_.size();
    for (int i = 0; i < static_cast<int>(resources_.size()); ++i) follow(i);
    custom_.start();
    patience_ = context_.executor.schedule_after(kPatience, [this] { begin(); });
  }

 private:
  struct Source {
    api::ResourceName name;
    std::string_view storage_resource;                       // Of built-in kinds.
    std::unique_ptr<CustomResource> custom;                  // Owns the texts of `name`.
    std::uint32_t lists = 0;                                 // How many have begun.
    std::unique_ptr<client::Reflector> reflector = nullptr;  // None once the kind is gone.
  };
  Source& source(int resource) { return resources_[static_cast<std::size_t>(resource)]; }
  std::uint32_t& list_of(int resource) { return source(resource).lists; }

  void follow(int i) {
    Source& from = source(i);
    from.reflector = std::make_unique<client::Reflector>(
        context_.api.transport(), context_.executor, from.name, client::ListOptions{},
        client::Reflector::Sink{
            [this, i](std::string_view json, bool deleted) { return accept(i, json, deleted); },
            [this, i] { ++list_of(i); }, [this, i] { listed(i); }},
        client::Reflector::Content::kMetadata);
    from.reflector->start();
  }

  void add_custom(const CustomResource& added) {
    auto owned = std::make_unique<CustomResource>(added);
    const api::ResourceName name = owned->resource();
    resources_.push_back({name, "", std::move(owned)});
    follow(static_cast<int>(resources_.size()) - 1);
    // Owners of this kind were nobody's until now.
    Wakes wakes;
    graph_.reconsider_foreign(wakes);
    add(wakes);
  }

  // Its objects went before it; their places stay, as nothing else is told by these numbers.
  void drop_custom(const CustomResource& gone) {
    for (int i = 0; i < static_cast<int>(resources_.size()); ++i) {
      Source& from = source(i);
      if (from.custom == nullptr || from.reflector == nullptr || !(*from.custom == gone)) continue;
      from.reflector = nullptr;
      Wakes wakes;
      graph_.sweep(i, ++from.lists, wakes);
      add(wakes);
    }
  }

  Result<void> accept(int resource, std::string_view json, bool deleted) {
    const auto meta = decode_meta(json);
    if (!meta) return std::unexpected(meta.error());
    Wakes wakes;
    if (deleted)
      graph_.gone(meta->uid, wakes);
    else
      graph_.observe(resource, *meta, list_of(resource), wakes);
    add(wakes);
    return {};
  }

  void listed(int resource) {
    Wakes wakes;
    graph_.sweep(resource, list_of(resource), wakes);
    add(wakes);
    if (source(resource).custom != nullptr) return;
    if (list_of(resource) == 1 && --waiting_ == 0) begin();
  }

  void begin() {
    if (begun_) return;
    begun_ = true;
    context_.executor.cancel(patience_);
    worker_.start([] { return std::vector<std::string>(); });
    Wakes wakes;
    graph_.wake_all(wakes);
    add(wakes);
  }

  void add(const Wakes& wakes) {
    for (const auto& uid : wakes.look) worker_.add(kLook + uid);
    for (const auto& uid : wakes.verify) worker_.add(kVerify + uid);
    for (const auto& uid : wakes.orphan) worker_.add(kOrphan + uid);
  }

  Place resolve(const meta_v1::OwnerReference& owner, const std::string& dependent_ns) const {
    const std::string_view api_version = owner.api_version;
    const auto slash = api_version.find('/');
    const auto group =
        slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
    const auto version =
        slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
    const auto* info = api::builtin_schema().find_kind(group, version, owner.kind);
    for (std::size_t i = 0; i < resources_.size(); ++i) {
      const Source& from = resources_[i];
      const bool is_it =
          from.custom != nullptr
              ? from.reflector != nullptr && from.custom->is(group, version, owner.kind)
              : info != nullptr && from.storage_resource == info->storage_resource;
      if (!is_it) continue;
      // What is in a namespace cannot own what is in none.
      if (from.name.namespaced && dependent_ns.empty()) return {};
      return {static_cast<int>(i), from.name.namespaced ? dependent_ns : "", owner.name};
    }
    return {};
  }

  std::string path_of(const Place& place) const {
    return client::Client::path(resources_[static_cast<std::size_t>(place.resource)].name, place.ns,
                                place.name);
  }

  // The object as the server has it now; NotFound too when another one has its name.
  Result<meta_v1::ObjectMeta> read(const Place& place, std::string_view uid) {
    auto body = context_.api.call("GET", path_of(place), {});
    if (!body) return std::unexpected(body.error());
    auto meta = decode_meta(**body);
    if (meta && meta->uid != uid) return errors::not_found("objects", place.name);
    return meta;
  }

  Result<void> work(const std::string& key) {
    const std::string uid = key.substr(1);
    const Node* node = graph_.find(uid);
    if (node == nullptr || node->place.resource == gc::kUnknownResource) return {};
    if (key[0] == kVerify) return verify(uid);
    if (node->presence != Presence::kPresent) return {};
    const Subject subject{uid, node->place};
    return key[0] == kOrphan ? orphan(subject, *node) : look(subject);
  }

  // Reads an object and tells the graph what it found.
  Result<void> verify(const std::string& uid) {
    const Place place = graph_.find(uid)->place;
    auto meta = read(place, uid);
    if (!meta && !meta.error().is("NotFound")) return std::unexpected(meta.error());
    // What its watch told while the answer was on its way is newer than the answer.
    const Node* node = graph_.find(uid);
    if (node == nullptr || node->presence == Presence::kAbsent || node->seen != 0) return {};
    Wakes wakes;
    if (meta)
      graph_.observe(place.resource, *meta, 0, wakes);
    else
      graph_.gone(uid, wakes);
    add(wakes);
    return {};
  }

  Result<void> look(const Subject& subject) {
    auto meta = read(subject.place, subject.uid);
    if (!meta) {
      if (!meta.error().is("NotFound")) return std::unexpected(meta.error());
      Wakes wakes;
      graph_.gone(subject.uid, wakes);
      add(wakes);
      return {};
    }
    const Node* node = graph_.find(subject.uid);
    if (node == nullptr) return {};
    if (node->foreground) return finish_foreground(subject, *node, *meta);
    if (!meta->deletion_timestamp.is_zero()) return {};
    for (const auto& owner : meta->owner_references) {
      const Node* known = graph_.find(owner.uid);
      if (known != nullptr && known->presence == Presence::kNamed &&
          known->place.resource != gc::kUnknownResource) {
        if (auto verified = verify(owner.uid); !verified) return verified;
      }
    }
    return carry_out(subject, *meta);
  }

  Result<void> carry_out(const Subject& subject, const meta_v1::ObjectMeta& meta) {
    std::vector<OwnerState> states;
    for (const auto& owner : meta.owner_references) {
      states.push_back(state_of(owner, subject.place.ns));
      if (states.back() != OwnerState::kAbsent) continue;
      // Nothing is deleted on hearsay: the owner is looked for once more where this dependent says
      // it is.
      const Place place = resolve(owner, subject.place.ns);
      auto there = read(place, owner.uid);
      if (there)
        states.back() = OwnerState::kSolid;
      else if (!there.error().is("NotFound"))
        return std::unexpected(there.error());
    }
    const Node* node = graph_.find(subject.uid);
    if (node == nullptr) return {};
    const bool in_foreground =
        std::any_of(node->dependents.begin(), node->dependents.end(),
                    [](const Node* dependent) { return dependent->foreground; });
    const Verdict verdict = gc::decide(meta, states, !node->dependents.empty(), in_foreground);
    if (verdict.action == Verdict::Action::kDropOwners) return drop_owners(subject, verdict.uids);
    if (verdict.action == Verdict::Action::kKeep) return {};
    if (verdict.unblock) {
      if (auto unblocked = unblock(subject, meta); !unblocked) return unblocked;
    }
    client::DeleteOptions options;
    options.propagation_policy = verdict.propagation;
    options.uid = meta.uid;
    // A change since the read may have given it a new owner.
    if (!verdict.unblock) options.resource_version = meta.resource_version;
    return unless_gone(context_.api.remove_path(path_of(subject.place), options));
  }

  OwnerState state_of(const meta_v1::OwnerReference& reference,
                      const std::string& dependent_ns) const {
    if (resolve(reference, dependent_ns).resource == gc::kUnknownResource) {
      return OwnerState::kSolid;
    }
    const Node* owner = graph_.find(reference.uid);
    if (owner == nullptr || owner->presence == Presence::kForeign) return OwnerState::kSolid;
    if (owner->presence == Presence::kAbsent) return OwnerState::kAbsent;
    return owner->foreground ? OwnerState::kWaiting : OwnerState::kSolid;
  }

  bool is_custom(const Subject& subject) const {
    return resources_[static_cast<std::size_t>(subject.place.resource)].custom != nullptr;
  }

  Result<void> patch(const Subject& subject, std::string body,
                     client::PatchType type = client::PatchType::kStrategicMerge) {
    auto patched = context_.api.call("PATCH", path_of(subject.place), std::move(body), type);
    // 422: another object has the name now, and the patch names the uid.
    if (!patched && patched.error().is("Invalid")) return {};
    return unless_gone(patched);
  }

  // Lists of custom objects cannot be changed in part: the whole one is written, if nobody was
  // faster.
  using ChangeOwners = std::function<void(std::vector<meta_v1::OwnerReference>&)>;
  Result<void> write_owners(const Subject& subject, const ChangeOwners& change) {
    auto meta = read(subject.place, subject.uid);
    if (!meta) return meta.error().is("NotFound") ? Result<void>() : std::unexpected(meta.error());
    change(meta->owner_references);
    std::string list;
    for (const auto& owner : meta->owner_references) {
      if (!list.empty()) list += ',';
      list += api::to_json(owner);
    }
    return patch(subject,
                 R"({"metadata":{"uid":)" + quoted(subject.uid) + R"(,"resourceVersion":)" +
                     quoted(meta->resource_version) + R"(,"ownerReferences":[)" + list + "]}}",
                 client::PatchType::kMerge);
  }

  Result<void> drop_owners(const Subject& subject, const std::vector<std::string>& uids) {
    if (is_custom(subject)) {
      return write_owners(subject, [&](auto& owners) {
        std::erase_if(owners, [&](const auto& owner) {
          return std::find(uids.begin(), uids.end(), owner.uid) != uids.end();
        });
      });
    }
    std::string list;
    for (const auto& uid : uids) {
      list += (list.empty() ? "" : ",") + (R"({"$patch":"delete","uid":)" + quoted(uid)) + '}';
    }
    return patch(subject, R"({"metadata":{"uid":)" + quoted(subject.uid) +
                              R"(,"ownerReferences":[)" + list + "]}}");
  }

  Result<void> unblock(const Subject& subject, const meta_v1::ObjectMeta& meta) {
    if (is_custom(subject)) {
      return write_owners(subject, [](auto& owners) {
        for (auto& owner : owners) owner.block_owner_deletion = false;
      });
    }
    std::string list;
    for (const auto& owner : meta.owner_references) {
      if (!owner.block_owner_deletion.value_or(false)) continue;
      list += (list.empty() ? "" : ",") + (R"({"uid":)" + quoted(owner.uid)) +
              R"(,"blockOwnerDeletion":false})";
    }
    if (list.empty()) return {};
    return patch(subject, R"({"metadata":{"uid":)" + quoted(subject.uid) +
                              R"(,"ownerReferences":[)" + list + "]}}");
  }

  // Deleted in the foreground: once nothing blocks it any more, it may go.
  Result<void> finish_foreground(const Subject& subject, const Node& node,
                                 const meta_v1::ObjectMeta& meta) {
    bool blocked = false;
    for (const auto* dependent : node.dependents) {
      const bool blocks =
          std::any_of(dependent->owners.begin(), dependent->owners.end(),
                      [&](const auto& edge) { return edge.owner == &node && edge.blocks; });
      if (!blocks || dependent->presence == Presence::kAbsent) continue;
      blocked = true;
      if (!dependent->leaving) worker_.add(kLook + dependent->uid);
    }
    return blocked ? Result<void>() : remove_finalizer(subject, meta, gc::kForeground);
  }

  Result<void> orphan(const Subject& subject, const Node& node) {
    std::vector<Subject> dependents;
    for (const auto* dependent : node.dependents) {
      if (dependent->presence == Presence::kPresent) {
        dependents.push_back({dependent->uid, dependent->place});
      }
    }
    for (const auto& dependent : dependents) {
      if (auto dropped = drop_owners(dependent, {subject.uid}); !dropped) return dropped;
    }
    auto meta = read(subject.place, subject.uid);
    if (!meta) return meta.error().is("NotFound") ? Result<void>() : std::unexpected(meta.error());
    return remove_finalizer(subject, *meta, gc::kOrphan);
  }

  Result<void> remove_finalizer(const Subject& subject, const meta_v1::ObjectMeta& meta,
                                std::string_view finalizer) {
    auto rest = meta.finalizers;
    std::erase(rest, finalizer);
    if (rest.size() == meta.finalizers.size()) return {};
    return patch(subject, finalizers_patch(meta.uid, meta.resource_version, rest),
                 client::PatchType::kMerge);
  }

  Context& context_;
  std::vector<Source> resources_;
  CustomResources custom_;
  std::size_t waiting_ = 0;
  bool begun_ = false;
  Executor::TimerId patience_ = 0;
  gc::Graph graph_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_garbage_collector(Context& context) {
  return std::make_unique<GarbageCollector>(context);
}

}  // namespace pinnace::controllers
