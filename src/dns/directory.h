// Directory knows the cluster's Services and their endpoints and answers DNS questions about them.
//
// Why: answers come from memory, by pure look-ups; the server around it only moves bytes.
// Threads: one at a time.
// Bounds: an answer holds at most 256 records of one name.
// Source: the Kubernetes DNS-Based Service Discovery specification, version 1.1.0.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/types/core_v1.h"
#include "api/types/discovery_v1.h"
#include "dns/dns_message.h"

namespace pinnace::dns {

struct Answer {
  // The name is outside the cluster: ask the host's resolvers. The rest is empty then.
  bool forward = false;
  Rcode rcode = Rcode::kNoError;
  std::vector<Record> answers, authority, additional;
  // The answers end with a CNAME to this name outside the cluster: append its addresses.
  std::string follow;
};

class Directory {
 public:
  using ServiceRef = std::shared_ptr<const api::core_v1::Service>;
  using SliceRef = std::shared_ptr<const api::discovery_v1::EndpointSlice>;

  explicit Directory(std::string zone) : zone_(std::move(zone)) {}

  // `key` is "ns/name"; null: it is gone.
  void set_service(const std::string& key, ServiceRef service);
  void set_slice(const std::string& key, SliceRef slice);

  // `rotation` turns the order of a headless Service's addresses, so that clients that take the
  // first spread.
  Answer resolve(const Question& question, std::size_t rotation = 0) const;

 private:
  struct Endpoint {
    io::Ipv4 address;
    std::string label;  // Its pod's hostname, or its address with dashes.
  };
  using Names = std::vector<std::string_view>;

  Answer in_zone(const Names& parts, const Question& question, std::size_t rotation) const;
  Answer in_services(const Names& parts, const Question& question, std::size_t rotation) const;
  Answer in_pods(const Names& parts, const Question& question) const;
  Answer reverse(std::string_view name, const Question& question) const;
  Answer service_addresses(const api::core_v1::Service& service, const Question& question,
                           std::size_t rotation) const;
  Answer service_ports(const api::core_v1::Service& service, const Question& question,
                       std::string_view port, std::string_view protocol) const;
  Answer external_name(const api::core_v1::Service& service, const Question& question,
                       std::size_t rotation) const;
  void add_headless_ports(const api::core_v1::Service& service, const Question& question,
                          std::string_view port, std::string_view protocol, Answer& answer) const;

  // Every ready endpoint once, of all slices of the service ("ns/name").
  std::vector<Endpoint> endpoints(const std::string& service_key) const;
  Answer failure(Rcode rcode) const;  // With the SOA that says how long to remember it.
  Answer no_data() const { return failure(Rcode::kNoError); }
  Record soa() const;
  std::string name_of(const api::core_v1::Service& service) const;

  std::string zone_;
  std::uint32_t serial_ = 1;
  std::map<std::string, ServiceRef, std::less<>> services_;
  std::map<std::string, int, std::less<>> namespaces_;  // How many services each has.
  std::map<std::uint32_t, std::string> by_cluster_ip_;
  std::map<std::string, SliceRef> slices_;
  std::map<std::string, std::map<std::string, SliceRef>> slices_of_;  // by service key
  std::map<std::uint32_t, std::set<std::string>> slices_by_address_;
};

}  // namespace pinnace::dns
