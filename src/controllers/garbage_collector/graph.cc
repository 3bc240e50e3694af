#include "controllers/garbage_collector/graph.h"

#include <algorithm>

namespace pinnace::controllers::gc {
namespace {

bool has_finalizer(const meta_v1::ObjectMeta& meta, std::string_view finalizer) {
  return std::find(meta.finalizers.begin(), meta.finalizers.end(), finalizer) !=
         meta.finalizers.end();
}

void wake_dependents(const Node& node, Wakes& wakes) {
  for (const auto* dependent : node.dependents) wakes.look.push_back(dependent->uid);
}

}  // namespace

const Node* Graph::find(std::string_view uid) const {
  const auto found = nodes_.find(std::string(uid));
  return found == nodes_.end() ? nullptr : found->second.get();
}

Node& Graph::find_or_add(const std::string& uid) {
  auto& node = nodes_[uid];
  if (!node) {
    node = std::make_unique<Node>();
    node->uid = uid;
  }
  return *node;
}

// What nobody refers to and refers to nobody need not be remembered.
void Graph::prune(const std::string& uid) {
  const auto found = nodes_.find(uid);
  if (found == nodes_.end()) return;
  const Node& node = *found->second;
  if (node.owners.empty() && node.dependents.empty() && !node.foreground && !node.orphaning) {
    nodes_.erase(found);
  }
}

void Graph::unlink(Node& owner, const Node& dependent, Wakes& wakes) {
  std::erase(owner.dependents, &dependent);
  if (owner.foreground) wakes.look.push_back(owner.uid);
}

// Brings the node's edges in line. True if they changed.
bool Graph::set_owners(Node& node, const std::vector<meta_v1::OwnerReference>& references,
                       Wakes& wakes) {
  std::vector<Edge> before = std::move(node.owners);
  node.owners.clear();
  bool changed = before.size() != references.size();
  for (const auto& reference : references) {
    Node& owner = find_or_add(reference.uid);
    const bool blocks = reference.block_owner_deletion.value_or(false);
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const Edge& edge) { return edge.owner == &owner; });
    node.owners.push_back({&owner, blocks});
    if (known != before.end()) {
      if (known->blocks != blocks && owner.foreground) wakes.look.push_back(owner.uid);
      before.erase(known);
      continue;
    }
    changed = true;
    owner.dependents.push_back(&node);
    if (owner.presence == Presence::kPresent || owner.presence == Presence::kAbsent) continue;
    const Place place = resolve_(reference, node.place.ns);
    if (owner.place.resource != kUnknownResource) continue;  // Named before: verified already.
    // When this dependent cannot have such an owner, the owner counts as there, until another
    // dependent can.
    owner.presence = place.resource == kUnknownResource ? Presence::kForeign : Presence::kNamed;
    owner.place = place;
    if (place.resource != kUnknownResource) wakes.verify.push_back(owner.uid);
  }
  for (const auto& edge : before) {
    unlink(*edge.owner, node, wakes);
    prune(edge.owner->uid);
    changed = true;
  }
  return changed;
}

void Graph::observe(int resource, const meta_v1::ObjectMeta& meta, std::uint32_t seen,
                    Wakes& wakes) {
  const bool leaving = !meta.deletion_timestamp.is_zero();
  const bool foreground = leaving && has_finalizer(meta, kForeground);
  const bool orphaning = leaving && has_finalizer(meta, kOrphan);
  if (find(meta.uid) == nullptr && meta.owner_references.empty() && !foreground && !orphaning) {
    return;
  }
  Node& node = find_or_add(meta.uid);
  const bool was_foreground = node.foreground;
  node.place = {resource, meta.namespace_, meta.name};
  node.presence = Presence::kPresent;
  node.leaving = leaving;
  node.foreground = foreground;
  node.orphaning = orphaning;
  node.seen = seen;
  const bool changed = set_owners(node, meta.owner_references, wakes);
  if (orphaning) wakes.orphan.push_back(node.uid);
  if (foreground) {
    wakes.look.push_back(node.uid);
    if (!was_foreground) wake_dependents(node, wakes);
  } else if (changed && std::any_of(node.owners.begin(), node.owners.end(), [](const Edge& edge) {
               return edge.owner->presence == Presence::kAbsent || edge.owner->foreground;
             })) {
    wakes.look.push_back(node.uid);
  }
  const std::string uid = node.uid;
  prune(uid);
}

void Graph::reconsider_foreign(Wakes& wakes) {
  std::vector<std::string> foreign;
  for (const auto& [uid, node] : nodes_) {
    if (node->presence == Presence::kForeign) foreign.push_back(uid);
  }
  for (const std::string& uid : foreign) {
    Node& owner = *nodes_.at(uid);
    for (Node* dependent : std::exchange(owner.dependents, {})) {
      std::erase_if(dependent->owners, [&](const Edge& edge) { return edge.owner == &owner; });
      wakes.verify.push_back(dependent->uid);
    }
    owner.presence = Presence::kNamed;
    prune(uid);
  }
}

void Graph::gone(std::string_view uid, Wakes& wakes) {
  const auto found = nodes_.find(std::string(uid));
  if (found == nodes_.end()) return;
  Node& node = *found->second;
  node.presence = Presence::kAbsent;
  node.leaving = node.foreground = node.orphaning = false;
  for (const auto& edge : std::exchange(node.owners, {})) {
    unlink(*edge.owner, node, wakes);
    prune(edge.owner->uid);
  }
  wake_dependents(node, wakes);
  prune(std::string(uid));
}

void Graph::sweep(int resource, std::uint32_t seen, Wakes& wakes) {
  std::vector<std::string> lost;
  for (const auto& [uid, node] : nodes_) {
    if (node->presence == Presence::kPresent && node->place.resource == resource &&
        node->seen != seen) {
      // An owner that was found by a read, not by a list, has no number: it is read again.
      if (node->seen == 0)
        wakes.verify.push_back(uid);
      else
        lost.push_back(uid);
    }
  }
  for (const auto& uid : lost) gone(uid, wakes);
}

void Graph::wake_all(Wakes& wakes) const {
  for (const auto& [uid, node] : nodes_) {
    if (node->presence == Presence::kNamed) wakes.verify.push_back(uid);
    if (node->presence == Presence::kAbsent) wake_dependents(*node, wakes);
    if (node->foreground) wakes.look.push_back(uid);
    if (node->orphaning) wakes.orphan.push_back(uid);
  }
}

}  // namespace pinnace::controllers::gc
