#include "kubeproxy/nft.h"

#include <nftables/libnftables.h>

namespace pinnace::kubeproxy {
namespace {

constexpr std::size_t kMaxReportedBytes = 1000;

}  // namespace

void Nft::Free::operator()(void* context) const { nft_ctx_free(static_cast<nft_ctx*>(context)); }

Nft::Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_) return;
  nft_ctx_buffer_output(static_cast<nft_ctx*>(context_.get()));
  nft_ctx_buffer_error(static_cast<nft_ctx*>(context_.get()));
}

Nft::~Nft() = default;

Result<std::string> Nft::run(const std::string& commands) {
  auto* context = static_cast<nft_ctx*>(context_.get());
  if (context == nullptr) return errors::internal("nftables: no memory for a context");
  const int code = nft_run_cmd_from_buffer(context, commands.c_str());
  // Reading a buffer empties it.
  const char* output = nft_ctx_get_output_buffer(context);
  std::string text = output == nullptr ? "" : output;
  const char* complaint = nft_ctx_get_error_buffer(context);
  if (code == 0) return text;
  std::string message = complaint == nullptr ? "" : complaint;
  if (message.size() > kMaxReportedBytes) message.resize(kMaxReportedBytes);
  while (message.ends_with('\n')) message.pop_back();
  return errors::unavailable("nftables: " + (message.empty() ? "failed" : message));
}

}  // namespace pinnace::kubeproxy
