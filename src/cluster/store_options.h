// Which store a control plane keeps its objects in, and the command line's words for it, named as
// kube-apiserver's: without --etcd-servers the embedded one in the data directory.
//
// Errors: 400 naming the flag and what it would take.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cluster/command_line.h"
#include "cluster/settings.h"
#include "store/etcd/etcd_store.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::cluster {

struct StoreSettings {
  std::vector<std::string> etcd_servers;  // None: the embedded store.
  std::string etcd_authority_file, etcd_certificate_file, etcd_key_file;
  std::string etcd_prefix = "/registry";
  Duration etcd_compaction_interval = std::chrono::minutes(5);

  // Other control planes may use it at the same time.
  bool is_shared() const { return !etcd_servers.empty(); }
};

std::vector<Option> store_options();
Result<StoreSettings> resolve_store_settings(const Arguments& arguments);

// With what is in the files.
Result<store::EtcdAccess> etcd_access(const StoreSettings& which);

// `timers` must outlive the store, which must not be destroyed on its thread.
Result<std::unique_ptr<store::Store>> open_store(const Settings& settings,
                                                 const StoreSettings& which, Executor& timers,
                                                 std::shared_ptr<store::Transformer> transformer);

}  // namespace pinnace::cluster
