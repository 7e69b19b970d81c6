// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/credential_file.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace latchkey::openssl {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Status status_of(int error) {
  if (error == ENOENT) return Status::kNotFound;
  return error == ENOSPC || error == EDQUOT ? Status::kStorageFull : Status::kStorageFailed;
}

Result<void> failure() { return fail(status_of(errno)); }

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return failure();
  return {};
}

Result<void> write_all(int fd, ByteView content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = ::write(fd, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failure();
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<void> write_new(const std::filesystem::path& path, ByteView content, mode_t mode) {
  // What lies there under this name is a crash's leftover.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure();
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & kSecretFile));
  if (!fd.ok()) return failure();
  if (mode != (mode & kSecretFile) && ::fchmod(fd.get(), mode) != 0) return failure();
  LATCHKEY_TRY_VOID(write_all(fd.get(), content));
  if (::fsync(fd.get()) != 0) return failure();
  return {};
}

std::vector<std::uint8_t> content_of(BIO* bio) {
  const std::uint8_t* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::vector<std::uint8_t>(data, data + size) : std::vector<std::uint8_t>{};
}

BioPtr reader(ByteView pem) { return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// Instead of OpenSSL's default, which asks on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode) {
  const std::filesystem::path fresh = path.string() + ".tmp";
  if (auto written = write_new(fresh, content, mode); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failure();
  return sync_folder(path.parent_path());
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return fail(status_of(errno));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return fail(status_of(errno));
  if (static_cast<std::uintmax_t>(found.st_size) > limit) return fail(Status::kTooLarge);
  // In one piece, so that no key is left behind in a buffer that was outgrown. Files of ours never grow in place.
  std::vector<std::uint8_t> content(static_cast<std::size_t>(found.st_size));
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = ::read(fd.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(status_of(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  content.resize(size);
  return content;
}

Result<void> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure();
  return sync_folder(path.parent_path());
}

Result<void> secret_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) == 0) return sync_folder(folder.parent_path());
  if (errno != EEXIST) return failure();
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return failure();
  const bool ours = S_ISDIR(found.st_mode) && found.st_uid == ::geteuid();
  const bool closed = (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (!ours || !closed) return fail(Status::kRefused);
  return {};
}

std::vector<std::uint8_t> key_to_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return content_of(bio.get());
}

std::vector<std::uint8_t> certificate_to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return content_of(bio.get());
}

PkeyPtr key_from_pem(ByteView pem) {
  const BioPtr bio = reader(pem);
  return PkeyPtr(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

X509Ptr certificate_from_pem(ByteView pem) {
  const BioPtr bio = reader(pem);
  return X509Ptr(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

}  // namespace latchkey::openssl
