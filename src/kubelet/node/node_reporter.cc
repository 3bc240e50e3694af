#include "kubelet/node/node_reporter.h"

#include <algorithm>

#include "api/typed.h"
#include "base/log.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPeriod{10};
constexpr std::chrono::minutes kWritePeriod{5};
constexpr seconds kRuntimePatience{30};
constexpr milliseconds kFirstRetry{50};

std::string merge_status(const core::NodeStatus& status) {
  return R"({"status":)" + api::to_json(status) + '}';
}

}  // namespace

NodeReporter::NodeReporter(Options options)
    : options_(std::move(options)),
      node_(options_.api, options_.executor,
            client::ListOptions{"", "", "metadata.name=" + options_.identity.name}),
      repeater_(options_.executor, options_.pool, [this] { return report(); }) {
  node_.on_transition([this](const auto& before, const auto& after) {
    {
      const std::lock_guard lock(mutex_);
      if (after)
        known_ = *after;
      else
        known_.reset();
    }
    if (after) options_.changed(*after);
    // Deleted, or its status was changed by others: look at once.
    if (before && (!after || !(before->status == after->status))) repeater_.wake();
  });
}

void NodeReporter::start() {
  node_.start();
  repeater_.wake();
}

void NodeReporter::stop() {
  repeater_.stop();
  node_.stop();
}

void NodeReporter::look_again() { repeater_.wake(); }

std::string NodeReporter::uid() const {
  const std::lock_guard lock(mutex_);
  return known_ ? known_->metadata.uid : std::string();
}

Result<std::vector<cri::Condition>> NodeReporter::runtime_conditions() {
  auto conditions = options_.runtime.status();
  const MonotonicTime now = options_.clock.monotonic();
  if (conditions) {
    conditions_ = *conditions;
    conditions_at_ = now;
  } else if (conditions_at_ && now - *conditions_at_ < kRuntimePatience) {
    return conditions_;
  }
  return conditions;
}

NodeFacts NodeReporter::read_facts() {
  NodeFacts facts;
  facts.runtime_conditions = runtime_conditions();
  if (facts.runtime_conditions) {
    if (runtime_version_.name.empty()) {
      if (auto version = options_.runtime.version()) runtime_version_ = std::move(*version);
    }
    if (image_path_.empty()) {
      const auto places = options_.runtime.image_filesystems();
      if (places && !places->empty()) image_path_ = places->front().mountpoint;
    }
    if (auto images = options_.runtime.list_images()) images_ = std::move(*images);
  } else {
    runtime_version_ = {};  // It may come back as another one.
  }
  facts.runtime_version = runtime_version_;
  facts.images = images_;
  facts.available_memory_bytes = read_available_memory_bytes();
  facts.node_filesystem = read_filesystem(options_.root_dir);
  facts.image_filesystem =
      image_path_.empty() ? facts.node_filesystem : read_filesystem(image_path_);
  return facts;
}

Duration NodeReporter::report() {
  const NodeFacts facts = read_facts();
  auto node = find_or_register(facts);
  auto done = node ? write(*node, facts) : Result<void>(std::unexpected(node.error()));
  if (!done) log::warning("cannot write the node's status", {{"error", done.error().message}});
  const bool ready = done && facts.runtime_conditions &&
                     std::ranges::all_of(*facts.runtime_conditions, &cri::Condition::status);
  if (ready) {
    failures_ = 0;
    return kPeriod;
  }
  Duration delay = kFirstRetry;
  for (int i = 0; i < failures_ && delay < kPeriod; ++i) delay *= 2;
  ++failures_;
  return std::min<Duration>(delay, kPeriod);
}

// The node as the API has it; it is made when there is none.
Result<core::Node> NodeReporter::find_or_register(const NodeFacts& facts) {
  {
    const std::lock_guard lock(mutex_);
    if (known_ && labelled_) return *known_;
  }
  const NodeIdentity& identity = options_.identity;
  core::Node wanted = make_node(identity);
  wanted.status = make_node_status(identity, facts, {}, options_.clock.wall());
  auto node = options_.api.create(wanted);
  if (node) {
    log::info("the node is registered", {{"node", identity.name}});
  } else if (node.error().code == 409) {
    node = options_.api.get<core::Node>("", identity.name);
    if (node) node = with_labels(std::move(*node));
  }
  if (!node) return node;
  labelled_ = true;
  const std::lock_guard lock(mutex_);
  if (!known_) known_ = *node;
  return node;
}

// Adds the labels that a node of an earlier life lacks.
Result<core::Node> NodeReporter::with_labels(core::Node node) {
  core::Node changes;
  for (const auto& [key, value] : make_node(options_.identity).metadata.labels) {
    const auto found = node.metadata.labels.find(key);
    if (found == node.metadata.labels.end() || found->second != value) {
      changes.metadata.labels[key] = value;
    }
  }
  if (changes.metadata.labels.empty()) return node;
  return options_.api.patch<core::Node>("", node.metadata.name, client::PatchType::kMerge,
                                        R"({"metadata":)" + api::to_json(changes.metadata) + '}');
}

Result<void> NodeReporter::write(const core::Node& node, const NodeFacts& facts) {
  const WallTime now = options_.clock.wall();
  const auto status = make_node_status(options_.identity, facts, node.status, now);
  if (same_but_for_heartbeat(status, node.status) && now - written_at_ < kWritePeriod) return {};
  auto answer = options_.api.patch<core::Node>("", node.metadata.name, client::PatchType::kMerge,
                                               merge_status(status), "status");
  if (!answer) {
    if (answer.error().code == 404) {
      const std::lock_guard lock(mutex_);
      known_.reset();
      labelled_ = false;
    }
    return std::unexpected(std::move(answer.error()));
  }
  if (is_ready(status) && !is_ready(node.status)) {
    log::info("the node is ready", {{"node", node.metadata.name}});
  }
  written_at_ = now;
  const std::lock_guard lock(mutex_);
  known_ = std::move(*answer);
  return {};
}

}  // namespace pinnace::kubelet
