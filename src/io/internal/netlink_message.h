// NetlinkMessage builds one netlink request; the functions send it and read the answers.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::io::internal {

class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    append(&header, sizeof header);
  }
  template <typename T>
  NetlinkMessage& body(const T& structure) {
    append(&structure, sizeof structure);
    return *this;
  }
  NetlinkMessage& attribute(std::uint16_t type, const void* data, std::size_t size) {
    const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + size), type};
    append(&header, sizeof header);
    append(data, size);
    return *this;
  }
  NetlinkMessage& number(std::uint16_t type, std::uint32_t value) {
    return attribute(type, &value, sizeof value);
  }
  // With the final NUL, as names of links are sent.
  NetlinkMessage& text(std::uint16_t type, std::string_view value) {
    const std::string copy(value);
    return attribute(type, copy.c_str(), copy.size() + 1);
  }
  std::size_t open(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    attribute(type, nullptr, 0);
    return at;
  }
  void close(std::size_t at) {
    const auto size = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &size, sizeof size);
  }
  // The finished message.
  std::string& finish(std::uint32_t sequence) {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
    return bytes_;
  }

 private:
  void append(const void* data, std::size_t size) {
    if (size > 0) bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::string bytes_;
};

// The attributes in `bytes` by type; a later one of the same type wins.
std::map<std::uint16_t, std::string_view> netlink_attributes(std::string_view bytes);

// Sends, and calls `each(body after nlmsghdr)` for every answer until the acknowledgement or the
// end of the dump. The errno that the kernel answered, 0 for success.
int netlink_exchange(int fd, NetlinkMessage& message, std::uint32_t sequence,
                     const std::function<void(std::string_view)>& each = nullptr);

}  // namespace pinnace::io::internal
