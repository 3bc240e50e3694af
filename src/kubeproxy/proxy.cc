#include "kubeproxy/proxy.h"

#include <algorithm>
#include <set>

#include "api/types/core_v1.h"
#include "api/types/discovery_v1.h"
#include "base/log.h"
#include "client/informer.h"
#include "io/files.h"
#include "io/netlink.h"
#include "kubeproxy/loopback.h"
#include "kubeproxy/nft.h"
#include "kubeproxy/ruleset.h"

namespace pinnace::kubeproxy {
namespace {

using api::core_v1::Pod;
using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;

constexpr Duration kGather = std::chrono::milliseconds(10);
constexpr Duration kFirstRetry = std::chrono::seconds(1);
constexpr Duration kLastRetry = std::chrono::seconds(30);
constexpr char kForwarding[] = "/proc/sys/net/ipv4/ip_forward";

std::string service_key(const EndpointSlice& slice) {
  const auto label = slice.metadata.labels.find("kubernetes.io/service-name");
  if (label == slice.metadata.labels.end()) return {};
  return slice.metadata.namespace_ + '/' + label->second;
}

class RunningProxy : public ServiceProxy {
 public:
  explicit RunningProxy(Options options)
      : options_(std::move(options)),
        ruleset_(options_.facts),
        loopback_(options_.loop),
        services_(options_.client, options_.loop),
        slices_(options_.client, options_.loop),
        pods_(options_.client, options_.loop,
              {.ns = {},
               .label_selector = {},
               .field_selector = "spec.nodeName=" + options_.facts.node_name}) {}
  ~RunningProxy() override { stop(); }

  void start() override {
    enable_forwarding();
    services_.on_change([this](const std::string& key) { mark("service/" + key); });
    pods_.on_change([this](const std::string& key) { mark("pod/" + key); });
    slices_.on_transition(
        [this](const auto& before, const auto& after) { slice_changed(before, after); });
    services_.on_synced([this] { wake(); });
    slices_.on_synced([this] { wake(); });
    pods_.on_synced([this] { wake(); });
    services_.start();
    slices_.start();
    pods_.start();
  }

  void stop() override {
    services_.stop();
    slices_.stop();
    pods_.stop();
    if (timer_ != 0) options_.loop.cancel(timer_);
    timer_ = 0;
    loopback_.set({});
  }

  bool synced() const override { return written_; }

 private:
  // Pods' packets are forwarded by this node, whatever the host was set to.
  void enable_forwarding() {
    const auto now = io::read_file(kForwarding, 16);
    if (now && now->starts_with('1')) return;
    if (const auto written = io::write_file(kForwarding, "1"); !written) {
      log::warning("IP forwarding is off", {{"error", written.error().message}});
    }
  }

  void slice_changed(const client::Informer<EndpointSlice>::Ref& before,
                     const client::Informer<EndpointSlice>::Ref& after) {
    for (const auto& slice : {before, after}) {
      if (!slice) continue;
      const std::string owner = service_key(*slice);
      if (owner.empty()) continue;
      auto& slices = slices_of_[owner];
      if (slice == before)
        slices.erase(slice->metadata.name);
      else
        slices[slice->metadata.name] = slice;
      if (slices.empty()) slices_of_.erase(owner);
      mark("service/" + owner);
    }
  }

  void mark(const std::string& owner) {
    dirty_.insert(owner);
    wake();
  }

  void wake() {
    if (timer_ == 0) arm(kGather);
  }
  void arm(Duration delay) {
    timer_ = options_.loop.schedule_after(delay, [this] {
      timer_ = 0;
      write();
    });
  }

  void plan_dirty() {
    for (const auto& owner : std::exchange(dirty_, {})) {
      const bool is_pod = owner.starts_with("pod/");
      const std::string key = owner.substr(owner.find('/') + 1);
      Fragment fragment;
      if (is_pod) {
        if (const auto pod = pods_.get(key)) fragment = plan_host_ports(options_.facts, *pod);
      } else if (const auto service = services_.get(key)) {
        std::vector<SliceRef> slices;
        if (const auto found = slices_of_.find(key); found != slices_of_.end()) {
          for (const auto& [name, slice] : found->second) slices.push_back(slice);
        }
        fragment = plan_service(options_.facts, *service, slices);
      }
      ruleset_.set(owner, std::move(fragment));
    }
  }

  void write() {
    // Not before everything is known: half of the Services would be worse than yesterday's table.
    if (!services_.synced() || !slices_.synced() || !pods_.synced()) return;
    plan_dirty();
    const std::string commands = written_ ? ruleset_.changes() : ruleset_.whole();
    if (!commands.empty()) {
      if (const auto done = nft_.run(commands); !done) return failed(done.error());
      ruleset_.applied();
      written_ = true;
      retry_ = kFirstRetry;
      forget_stale_flows();
    }
    loopback_.set(ruleset_.local_ports());
  }

  void failed(const Error& error) {
    log::warning("nftables refused a change; writing all anew", {{"error", error.message}});
    written_ = false;
    if (timer_ == 0) arm(retry_);
    retry_ = std::min(2 * retry_, kLastRetry);
  }

  // UDP has no end of a connection: a client that keeps its port would be sent to a dead endpoint,
  // or to nowhere at all if it asked before there was one.
  void forget_stale_flows() {
    const auto& now = ruleset_.udp_targets();
    std::set<UdpTarget> stale;
    std::ranges::set_difference(udp_targets_, now, std::inserter(stale, stale.end()));
    for (const auto& target : now) {
      if (udp_targets_.contains(target) || target.original.is_any()) continue;
      const auto same = udp_targets_.lower_bound({target.original, target.port, {}});
      const bool served = same != udp_targets_.end() && same->original == target.original &&
                          same->port == target.port;
      if (!served) stale.insert({target.original, target.port, target.original});
    }
    udp_targets_ = now;
    if (stale.empty()) return;
    auto netlink = io::Netlink::create();
    if (!netlink) return;
    for (const auto& target : stale) {
      const auto done = netlink->forget_udp_flows(target.original, target.port, target.endpoint);
      if (done) continue;
      log::warning("stale UDP flows stay until they time out", {{"error", done.error().message}});
      return;
    }
  }

  const Options options_;
  Nft nft_;
  Ruleset ruleset_;
  Loopback loopback_;
  client::Informer<Service> services_;
  client::Informer<EndpointSlice> slices_;
  client::Informer<Pod> pods_;
  std::map<std::string, std::map<std::string, SliceRef>> slices_of_;  // by service key
  std::set<std::string> dirty_;
  std::set<UdpTarget> udp_targets_;
  Executor::TimerId timer_ = 0;
  Duration retry_ = kFirstRetry;
  bool written_ = false;
};

}  // namespace

std::unique_ptr<ServiceProxy> ServiceProxy::create(Options options) {
  return std::make_unique<RunningProxy>(std::move(options));
}

Result<void> ServiceProxy::cleanup(const std::string& table) {
  Nft nft;
  const auto done = nft.run(Ruleset::removal(table));
  if (!done) return std::unexpected(done.error());
  return {};
}

}  // namespace pinnace::kubeproxy
