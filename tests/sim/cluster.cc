#include "sim/cluster.h"

#include <gtest/gtest.h>

#include "controllers/support/certificate_requests.h"
#include "net/x509.h"

namespace pinnace::sim {
namespace {

// Keys are the same in every run but come from chance that no seed governs: nothing that a run
// decides depends on them.
const net::CertificateAndKey& authority() {
  static const auto kMade =
      net::make_authority("sim", WallTime(), WallTime() + std::chrono::years(200));
  return *kMade;
}
const std::string& service_account_key() {
  static const auto kMade = net::make_ec_key();
  return kMade->private_key_pem;
}

std::unique_ptr<apiserver::Server> make_server(store::Store& store, io::SimExecutor& executor,
                                               Rng& rng, metrics::Registry& metrics) {
  auto made = apiserver::Server::create({.store = store,
                                         .executor = executor,
                                         .clock = executor,
                                         .rng = rng,
                                         .metrics = metrics,
                                         .service_account_key_pem = service_account_key(),
                                         .cluster_ca_pem = authority().certificate_pem});
  PINNACE_ASSERT(made.has_value());
  return std::move(*made);
}

client::Identity administrator() { return {"admin", {"system:masters"}}; }

}  // namespace

Cluster::Cluster(std::uint64_t seed, std::size_t ring_events)
    : rng_(seeded_rng(seed)),
      store_(store::EmbeddedStore::create_in_memory(
          {.ring_events = ring_events, .ring_bytes = 256 << 20, .inline_writer = true})),
      write_checker_(std::make_unique<WriteChecker>(*store_)),
      server_(make_server(*write_checker_, executor_, *rng_, metrics_)),
      admin_transport_(*server_, administrator(), &loop_),
      controller_transport_(*server_, {"system:kube-controller-manager", {}}, &loop_),
      scheduler_transport_(*server_, {"system:kube-scheduler", {}}, &loop_) {
  for (const char* path : {"/api/v1/pods", "/apis/apps/v1/replicasets", "/apis/apps/v1/deployments",
                           "/api/v1/namespaces"}) {
    watch_checkers_.push_back(std::make_unique<WatchChecker>(admin_, executor_, path));
  }
  bind_checker_ = std::make_unique<BindChecker>(admin_, executor_);
  controllers::Settings settings;
  settings.root_ca_pem = authority().certificate_pem;
  settings.service_account_key_pem = service_account_key();
  for (const auto signer : {controllers::kClientSigner, controllers::kKubeletClientSigner,
                            controllers::kKubeletServingSigner, controllers::kLegacySigner}) {
    settings.signers.emplace(signer, authority());
  }
  controllers_ = std::make_unique<controllers::Manager>(controllers::Manager::Options{
      .api = controller_api_, .executor = executor_, .rng = *rng_, .settings = settings});
  scheduler_ = std::make_unique<scheduler::Scheduler>(scheduler::Scheduler::Options{
      .api = scheduler_api_, .executor = executor_, .rng = *rng_, .metrics = &metrics_});
  controllers_->start();
  scheduler_->start();
  EXPECT_TRUE(run_until([this] { return controllers_->running(); }));
}

const std::string& Cluster::authority_pem() { return authority().certificate_pem; }

Cluster::~Cluster() {
  nodes_.clear();
  scheduler_.reset();
  controllers_.reset();
  bind_checker_.reset();
  watch_checkers_.clear();
  executor_.run_until_idle();  // Watches end on the loop.
  server_->shut_down();
}

PretendNode& Cluster::add_node(PretendNode::Options options) {
  options.number = static_cast<int>(nodes_.size()) + 1;
  nodes_.push_back(std::make_unique<PretendNode>(admin_, executor_, *rng_, std::move(options)));
  executor_.run_until_idle();
  return *nodes_.back();
}

void Cluster::add_nodes(int count, const std::string& cpu) {
  for (int i = 0; i < count; ++i) {
    add_node(
        {.name = "n" + std::to_string(nodes_.size() + 1), .labels = "", .taints = "", .cpu = cpu});
  }
}

bool Cluster::run_until(const std::function<bool()>& done, Duration at_most,
                        const std::function<void()>& each_step) {
  constexpr Duration kStep = std::chrono::milliseconds(100);
  executor_.run_until_idle();
  for (Duration passed{}; !done(); passed += kStep) {
    if (passed >= at_most) return false;
    executor_.advance(kStep);
    each_step();
  }
  return true;
}

void Cluster::restart_loops() {
  controllers_->stop();
  scheduler_->stop();
  controllers_->start();
  scheduler_->start();
}

void Cluster::create(const std::string& path, const std::string& json) {
  const auto made = admin_.call("POST", path, json);
  EXPECT_TRUE(made) << "POST " << path << ": " << (made ? "" : made.error().message);
}

void Cluster::patch(const std::string& path, const std::string& merge_patch) {
  const auto done = admin_.call("PATCH", path, merge_patch, client::PatchType::kMerge);
  EXPECT_TRUE(done) << "PATCH " << path << ": " << (done ? "" : done.error().message);
}

void Cluster::remove(const std::string& path, const std::string& propagation) {
  client::DeleteOptions options;
  options.propagation_policy = propagation;
  const auto done = admin_.remove_path(path, options);
  EXPECT_TRUE(done) << "DELETE " << path << ": " << (done ? "" : done.error().message);
}

Faults Cluster::faults() {
  executor_.run_until_idle();
  Faults all = bind_checker_->faults();
  const auto add = [&all](const Faults& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(write_checker_->faults());
  for (const auto& checker : watch_checkers_) add(checker->faults());
  return all;
}

}  // namespace pinnace::sim
