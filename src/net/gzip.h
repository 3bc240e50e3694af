// gzip for answers: of bytes that are there, and of bytes that are still being made.
//
// Why the fastest level: an answer is sent once, over a network that is seldom slower than what a
//   better level would cost.
// Threads: the caller's; a Body's on its I/O thread.
// Source: RFC 1952; RFC 9110, section 8.4.1.3.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace pinnace::net {

// True if Accept-Encoding names gzip.
bool accepts_gzip(const Headers& headers);

std::string gzip(std::string_view bytes);
// What `plain` gives, compressed as it comes. Holds one buffer of 64 KiB.
std::unique_ptr<Body> gzip_body(std::unique_ptr<Body> plain);

}  // namespace pinnace::net
