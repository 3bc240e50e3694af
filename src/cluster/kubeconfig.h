// Kubeconfig files: the one of a cluster's administrator, and contexts merged into a person's own.
//
// Source: client-go's clientcmd/api/v1 types.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::cluster {

// One cluster, one user and one context, all with the same name.
struct KubeconfigEntry {
  std::string context;
  std::string server;  // "https://127.0.0.1:6443"
  std::string ca_pem;
  std::string certificate_pem;
  std::string private_key_pem;
  std::string token;  // Instead of a certificate.
};

// Sets the entry in the file (made with mode 0600 when missing) and makes its context current;
// everything else in the file stays. 400 if the file is no kubeconfig: it is then left alone.
Result<void> merge_kubeconfig(const std::string& path, const KubeconfigEntry& entry);
// Takes the context, cluster and user of that name out; no error if they, or the file, are not
// there.
Result<void> remove_from_kubeconfig(const std::string& path, std::string_view context);
// The current context of a file. Certificates may stand in it or in files that it names.
Result<KubeconfigEntry> read_kubeconfig(const std::string& path);

// $KUBECONFIG's first file, else ~/.kube/config.
std::string default_kubeconfig_path();

}  // namespace pinnace::cluster
