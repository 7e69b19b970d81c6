// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/sealed_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "platform/files/folder.h"

namespace latchkey::hub::ca {

using registry::Bytes;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kEnding = ".sealed";
constexpr std::size_t kSealedMax = 64 * 1024;

tl::unexpected<registry::Refusal> refuse_file(std::string_view doing, const std::string& key_ref, Status status) {
  return refuse(status == Status::kNotFound ? Reason::kNotFound : Reason::kStorage,
                std::string(doing) + " the sealed key " + key_ref + ": " + std::string(to_string(status)));
}

// Held while it lives.
Outcome<files::Descriptor> locked(const std::filesystem::path& folder) {
  files::Descriptor file(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  int taken = -1;
  while (file && (taken = ::flock(file.get(), LOCK_EX)) != 0 && errno == EINTR) {
  }
  if (file && taken == 0) return file;
  return refuse(Reason::kStorage, "locking " + folder.string() + ": " + std::strerror(errno));
}

}  // namespace

Outcome<std::unique_ptr<SealedFolder>> SealedFolder::open(std::filesystem::path folder) {
  if (auto ready = files::make_secret_folder(folder); !ready) {
    if (ready.error() == Status::kRefused) {
      return refuse(Reason::kUnauthorized,
                    "the folder of sealed keys " + folder.string() + " must be ours and closed to others (0700)");
    }
    return refuse(Reason::kStorage,
                  "the folder of sealed keys " + folder.string() + ": " + std::string(to_string(ready.error())));
  }
  return std::unique_ptr<SealedFolder>(new SealedFolder(std::move(folder)));
}

Outcome<void> SealedFolder::put(const std::string& key_ref, const Bytes& sealed, UnixMs) {
  LATCHKEY_TRY(lock, locked(folder_));
  static_cast<void>(lock);
  std::error_code error;
  if (std::filesystem::exists(folder_ / key_ref, error)) {
    return refuse(Reason::kAlreadyExists, "there is a sealed key " + key_ref);
  }
  if (auto put = files::replace_file(folder_ / key_ref, sealed); !put)
    return refuse_file("writing", key_ref, put.error());
  return {};
}

Outcome<Bytes> SealedFolder::get(const std::string& key_ref) {
  auto sealed = files::read_file(folder_ / key_ref, kSealedMax);
  if (!sealed) return refuse_file("reading", key_ref, sealed.error());
  return std::move(*sealed);
}

Outcome<void> SealedFolder::replace(const std::string& key_ref, const Bytes& before, const Bytes& after) {
  LATCHKEY_TRY(lock, locked(folder_));
  static_cast<void>(lock);
  LATCHKEY_TRY(found, get(key_ref));
  if (found != before) return refuse(Reason::kPreconditionFailed, "the sealed key " + key_ref + " has changed");
  if (auto put = files::replace_file(folder_ / key_ref, after); !put)
    return refuse_file("writing", key_ref, put.error());
  return {};
}

Outcome<void> SealedFolder::erase(const std::string& key_ref) {
  LATCHKEY_TRY(lock, locked(folder_));
  static_cast<void>(lock);
  if (auto gone = files::remove_file(folder_ / key_ref); !gone) return refuse_file("erasing", key_ref, gone.error());
  return {};
}

Outcome<std::vector<SealedKeys::Entry>> SealedFolder::list() {
  std::vector<Entry> entries;
  std::error_code error;
  std::filesystem::directory_iterator file(folder_, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    const std::string name = file->path().filename().string();
    struct stat info {};
    if (!name.ends_with(kEnding) || ::stat(file->path().c_str(), &info) != 0) continue;  // erased meanwhile
    entries.push_back({name, UnixMs{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000});
  }
  if (error) return refuse(Reason::kStorage, "reading the folder of sealed keys: " + error.message());
  std::ranges::sort(entries, {}, &Entry::key_ref);
  return entries;
}

}  // namespace latchkey::hub::ca
