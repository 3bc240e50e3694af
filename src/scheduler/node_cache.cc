#include "scheduler/node_cache.h"

namespace pinnace::scheduler {

NodeInfo& NodeCache::info(const std::string& node) {
  const auto known = nodes_.find(node);
  return known != nodes_.end() ? known->second : unknown_[node];
}

void NodeCache::set_node(const std::string& name, NodeRef node) {
  if (!node) {
    auto gone = nodes_.extract(name);
    if (!gone.empty()) count_images(gone.mapped().node, -1);
    // Its pods are told of one by one; until then they are kept aside.
    if (!gone.empty() && !gone.mapped().pods.empty()) {
      gone.mapped().set_node(nullptr);
      unknown_[name] = std::move(gone.mapped());
    }
    return;
  }
  if (!nodes_.contains(name)) {
    auto waiting = unknown_.extract(name);
    nodes_[name] = waiting.empty() ? NodeInfo{} : std::move(waiting.mapped());
  }
  NodeInfo& known = nodes_[name];
  count_images(known.node, -1);
  count_images(node, 1);
  known.set_node(std::move(node));
}

void NodeCache::count_images(const NodeRef& node, int by) {
  if (node == nullptr) return;
  for (const auto& image : node->status.images) {
    for (const auto& name : image.names) {
      const auto entry = nodes_with_image_.try_emplace(name).first;
      if ((entry->second += by) == 0) nodes_with_image_.erase(entry);
    }
  }
}

int NodeCache::nodes_with_image(const std::string& name) const {
  const auto found = nodes_with_image_.find(name);
  return found == nodes_with_image_.end() ? 0 : found->second;
}

void NodeCache::place(const PodInfoRef& pod, const std::string& node) {
  displace(pod->uid());
  info(node).add(pod);
  node_of_[pod->uid()] = node;
  if (!pod->anti_affinity.empty() || !pod->affinity.empty() || !pod->preferred.empty()) {
    pods_with_terms_[pod->uid()] = node;
  }
  if (!pod->owner_uid.empty()) ++by_owner_[pod->owner_uid][node];
}

void NodeCache::displace(const std::string& uid) {
  const auto place = node_of_.find(uid);
  if (place == node_of_.end()) return;
  NodeInfo& here = info(place->second);
  if (const auto pod = here.pods.find(uid); pod != here.pods.end()) {
    const std::string& owner = pod->second->owner_uid;
    if (const auto counts = by_owner_.find(owner); counts != by_owner_.end()) {
      if (--counts->second[place->second] == 0) counts->second.erase(place->second);
      if (counts->second.empty()) by_owner_.erase(counts);
    }
  }
  here.remove(uid);
  if (here.pods.empty()) unknown_.erase(place->second);
  pods_with_terms_.erase(uid);
  node_of_.erase(place);
}

void NodeCache::set_pod(const PodInfoRef& pod) {
  assumed_.erase(pod->uid());
  nominated_.erase(pod->uid());
  place(pod, pod->pod->spec.node_name);
}

void NodeCache::remove_pod(const std::string& uid) {
  assumed_.erase(uid);
  nominated_.erase(uid);
  displace(uid);
}

void NodeCache::assume(const PodInfoRef& pod, const std::string& node) {
  nominated_.erase(pod->uid());
  place(pod, node);
  assumed_.insert(pod->uid());
}

void NodeCache::nominate(const PodInfoRef& pod, const std::string& node) {
  nominated_[pod->uid()] = {pod, node};
}

void NodeCache::set_namespace(const std::string& name, std::optional<api::LabelMap> labels) {
  if (labels)
    namespaces_[name] = std::move(*labels);
  else
    namespaces_.erase(name);
}

const api::LabelMap* NodeCache::namespace_labels(const std::string& name) const {
  const auto found = namespaces_.find(name);
  return found == namespaces_.end() ? nullptr : &found->second;
}

void NodeCache::set_claim(const std::string& key, std::optional<bool> bound) {
  if (bound)
    claims_[key] = *bound;
  else
    claims_.erase(key);
}

std::optional<bool> NodeCache::claim(const std::string& key) const {
  const auto found = claims_.find(key);
  return found == claims_.end() ? std::nullopt : std::optional(found->second);
}

const std::unordered_map<std::string, int>* NodeCache::pods_of_owner(const std::string& uid) const {
  const auto found = by_owner_.find(uid);
  return found == by_owner_.end() ? nullptr : &found->second;
}

}  // namespace pinnace::scheduler
