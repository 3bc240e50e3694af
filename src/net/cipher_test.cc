#include "net/cipher.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace pinnace::net {
namespace {

std::string counted(std::size_t bytes, int first) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(first + static_cast<int>(i));
  return out;
}

TEST(Cipher, GcmIsWhatOthersMakeOfTheSameInput) {
  const auto sealed =
      aes_gcm_seal(counted(32, 0), counted(12, 100), "a text to keep", "secrets/default/a").value();
  EXPECT_EQ(hex_encode(sealed),
            "6465666768696a6b6c6d6e6f293baa03019d76ea5142348dbf15f1b689d32a5080cb0819f966"
            "401c0b34");
  EXPECT_EQ(aes_gcm_open(counted(32, 0), sealed, "secrets/default/a").value(), "a text to keep");
}

TEST(Cipher, GcmOpensNothingThatWasChangedOrMoved) {
  const std::string key = counted(32, 7);
  const auto sealed = aes_gcm_seal(key, random_bytes(kGcmNonceBytes), "text", "here").value();
  EXPECT_FALSE(aes_gcm_open(key, sealed, "there").has_value());
  EXPECT_FALSE(aes_gcm_open(counted(32, 8), sealed, "here").has_value());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(aes_gcm_open(key, changed, "here").has_value()) << i;
    EXPECT_FALSE(aes_gcm_open(key, sealed.substr(0, i), "here").has_value()) << i;
  }
}

TEST(Cipher, CbcGoesThereAndBackForEveryLength) {
  for (std::size_t bytes = 0; bytes < 50; ++bytes) {
    const std::string plain = counted(bytes, 1), key = counted(24, 3);
    EXPECT_EQ(aes_cbc_open(key, aes_cbc_seal(key, plain).value()).value(), plain);
  }
  EXPECT_FALSE(aes_cbc_open(counted(32, 0), "short").has_value());
}

TEST(Cipher, SecretboxIsWhatNaClMakesOfTheSameInput) {
  const std::string plain = counted(100, 0);
  const auto sealed = secretbox_seal(counted(32, 0), counted(24, 50), plain).value();
  EXPECT_EQ(hex_encode(sealed),
            "32333435363738393a3b3c3d3e3f404142434445464748497f0a1594c558158b59cc43d7b778"
            "a0ca2e0553fdfdcef4616a5e0ba1ac95cc7934175f2b9bf76c2c8380c6eff713f13c0e492257"
            "32920d50e86ef8d12b6f0cdf5ff3ae3396b5dcf93957e7a2d03f3be4fad7bf752b2525fe22f8"
            "55a8d62936eda53079dcab13f8d6e15ac81ab089092e5d3d3921");
  EXPECT_EQ(secretbox_open(counted(32, 0), sealed).value(), plain);
  std::string changed = sealed;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_FALSE(secretbox_open(counted(32, 0), changed).has_value());
}

// RFC 5869, test case 1.
TEST(Cipher, HkdfExpandsAsTheStandardSays) {
  std::string key;
  for (const char* hex = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"; *hex;
       hex += 2) {
    key += static_cast<char>(std::stoi(std::string(hex, 2), nullptr, 16));
  }
  EXPECT_EQ(hex_encode(hkdf_expand_sha256(key, counted(10, 0xf0), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Cipher, KeysOfOtherLengthsAreRefused) {
  EXPECT_EQ(aes_gcm_seal("short", random_bytes(12), "x", "").error().code, 400);
  EXPECT_EQ(aes_cbc_seal("short", "x").error().code, 400);
  EXPECT_EQ(secretbox_seal("short", random_bytes(24), "x").error().code, 400);
}

}  // namespace
}  // namespace pinnace::net
