#include "registry/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/strings.h"

namespace pinnace::registry {

namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    PINNACE_ASSERT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* bytes, std::size_t size) {
    PINNACE_ASSERT(EVP_DigestUpdate(context_.get(), bytes, size) == 1);
  }
  std::string digest() {
    unsigned char bytes[32];
    PINNACE_ASSERT(EVP_DigestFinal_ex(context_.get(), bytes, nullptr) == 1);
    return "sha256:" + hex_encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

std::string digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.digest();
}

Result<FileDigest> digest_of_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errors::system("cannot read " + path, errno);
  Sha256 hash;
  FileDigest result;
  std::vector<char> buffer(1 << 17);
  ssize_t n = 0;
  while ((n = ::read(fd, buffer.data(), buffer.size())) > 0) {
    hash.add(buffer.data(), static_cast<std::size_t>(n));
    result.size_bytes += static_cast<std::uint64_t>(n);
  }
  const int read_errno = errno;
  ::close(fd);
  if (n < 0) return errors::system("cannot read " + path, read_errno);
  result.digest = hash.digest();
  return result;
}

}  // namespace pinnace::registry
