// Graph knows who owns whom, over all kinds, and says what to look at when that changes.
//
// Shape: only objects that have owners, are owned by, or wait for their dependents stand in it;
//   most objects of a cluster cost nothing. An owner that dependents name but that no watch has
//   shown is a node too, until it is verified by a read.
// Bounds: nodes and edges grow with the ownerReferences there are.
// Threads: belongs to the executor's thread.
// Source: Kubernetes "Owners and Dependents", "Cascading deletion".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controllers/support/types.h"

namespace pinnace::controllers::gc {

inline constexpr std::string_view kForeground = "foregroundDeletion";
inline constexpr std::string_view kOrphan = "orphan";
inline constexpr int kUnknownResource = -1;

// Where an object is found: an index into the collector's resources, and its name.
struct Place {
  int resource = kUnknownResource;
  std::string ns, name;
};

enum class Presence : std::uint8_t {
  kNamed,    // A dependent names it; nothing else is known.
  kPresent,  // A watch or a read has shown it.
  kAbsent,   // It is gone for good; dependents still name it.
  kForeign,  // Its kind is none of ours, or may not own its dependent: it is left alone.
};

struct Node;
struct Edge {
  Node* owner = nullptr;
  bool blocks = false;  // blockOwnerDeletion
};

struct Node {
  std::string uid;
  Place place;
  Presence presence = Presence::kNamed;
  bool leaving = false;     // Has a deletionTimestamp.
  bool foreground = false;  // Waits for its dependents to go first.
  bool orphaning = false;   // Waits for its dependents to be let go.
  std::uint32_t seen = 0;   // The list of its resource that named it last.
  std::vector<Edge> owners;
  std::vector<Node*> dependents;
};

// What must be looked at, by uid.
struct Wakes {
  std::vector<std::string> look;    // Is it to be deleted, or can it finish being deleted?
  std::vector<std::string> verify;  // Does this owner exist?
  std::vector<std::string> orphan;  // Let its dependents go.
};

class Graph {
 public:
  // Finds the resource of an owner by apiVersion and kind, and its namespace for a dependent in
  // `ns`; kUnknownResource when it cannot own that dependent.
  using Resolve =
      std::function<Place(const meta_v1::OwnerReference& owner, const std::string& dependent_ns)>;
  explicit Graph(Resolve resolve) : resolve_(std::move(resolve)) {}

  // The object is there and looks like this.
  void observe(int resource, const meta_v1::ObjectMeta& meta, std::uint32_t seen, Wakes& wakes);
  // The object with this uid is gone.
  void gone(std::string_view uid, Wakes& wakes);
  // Present objects of a resource that its last list did not name are gone.
  void sweep(int resource, std::uint32_t seen, Wakes& wakes);
  // Owners whose kind was not known are forgotten; their dependents are to be observed again.
  void reconsider_foreign(Wakes& wakes);
  // Everything that may need work; for the start.
  void wake_all(Wakes& wakes) const;

  const Node* find(std::string_view uid) const;
  std::size_t size() const { return nodes_.size(); }

 private:
  Node& find_or_add(const std::string& uid);
  bool set_owners(Node& node, const std::vector<meta_v1::OwnerReference>& references, Wakes& wakes);
  void unlink(Node& owner, const Node& dependent, Wakes& wakes);
  void prune(const std::string& uid);

  Resolve resolve_;
  std::unordered_map<std::string, std::unique_ptr<Node>> nodes_;
};

}  // namespace pinnace::controllers::gc
