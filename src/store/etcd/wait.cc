#include "store/etcd/wait.h"

#include <utility>

namespace pinnace::store::etcd {

Result<Opened> open_etcd(const EtcdAccess& access) {
  Opened opened{nullptr, {access.prefix, 0, access.transformer}};
  const Layout& layout = opened.layout;
  if (!layout.prefix.starts_with('/') || layout.prefix.ends_with('/')) {
    return errors::bad_request(
        "the prefix of keys in etcd begins with a slash and does not end "
        "with one, unlike \"" +
        layout.prefix + "\"");
  }
  auto client = Client::create({.endpoints = access.endpoints,
                                .authority_pem = access.authority_pem,
                                .certificate_pem = access.certificate_pem,
                                .private_key_pem = access.private_key_pem,
                                .request_timeout = access.request_timeout});
  if (!client) return std::unexpected(std::move(client.error()));
  opened.client = std::move(*client);
  auto found = wait_for<RangeAnswer>([&](auto done) {
    opened.client->range({.keys = {layout.own_key(kRevisionBase), ""}}, std::move(done));
  });
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->pairs.empty()) return opened;
  auto base = decode_revision(found->pairs.front().value);
  if (!base) return std::unexpected(std::move(base.error()));
  opened.layout.base = *base;
  return opened;
}

}  // namespace pinnace::store::etcd
