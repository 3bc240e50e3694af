// Mirror serves the images of an ImageStore to the container runtime, as a registry does.
//
// Why: a loaded image is then pulled like any other, so that the pull policies Always,
//   IfNotPresent and Never keep their meaning, and two names can stand for one image.
// Shape: read-only /v2/ API. The runtime adds `?ns=HOST` for the registry that it stands for.
// Source: OCI distribution specification, "Pull".
#pragma once

#include "net/http.h"
#include "registry/image_store.h"

namespace pinnace::registry {

// Threads: as net::Handler; the store must outlive it.
class Mirror : public net::Handler {
 public:
  explicit Mirror(ImageStore& store) : store_(store) {}
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override;

 private:
  ImageStore& store_;
};

}  // namespace pinnace::registry
