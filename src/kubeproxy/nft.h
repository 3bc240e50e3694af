// Nft runs nftables commands in one transaction: all of them or none.
//
// Why: libnftables speaks the same language as `nft`, so what is written here can be read and
//   tried by hand, without a fork.
// Threads: one at a time. Calls block for the kernel's answer (about a millisecond).
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

namespace pinnace::kubeproxy {

class Nft {
 public:
  Nft();
  ~Nft();
  Nft(const Nft&) = delete;

  // The commands' output. An Error holds libnftables' own words.
  Result<std::string> run(const std::string& commands);

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace pinnace::kubeproxy
