// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/file_key_provider.h"

#include <string_view>

#include "platform/files/folder.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::string_view kSuffix = ".pem";
constexpr std::string_view kUnfinished = ".pem.tmp";  // what a crash in files::replace_file leaves behind
static_assert(kUnfinished.ends_with(files::kUnfinished));
constexpr std::size_t kKeyFileMax = 16 * 1024;

std::string sentence(std::string_view what, const std::string& key_ref, Status status) {
  return std::string(what) + " " + key_ref + ": " + std::string(to_string(status));
}

SigningKey share(openssl::PkeyPtr key) { return SigningKey(key.release(), EVP_PKEY_free); }

}  // namespace

Outcome<std::unique_ptr<FileKeyProvider>> FileKeyProvider::open(std::filesystem::path folder) {
  if (auto ready = files::make_secret_folder(folder); !ready) {
    if (ready.error() == Status::kRefused) {
      return refuse(Reason::kUnauthorized,
                    "key folder " + folder.string() + " must be ours and closed to others (0700)");
    }
    return refuse(Reason::kStorage, "key folder " + folder.string() + ": " + std::string(to_string(ready.error())));
  }
  return std::unique_ptr<FileKeyProvider>(new FileKeyProvider(std::move(folder)));
}

Outcome<GeneratedKey> FileKeyProvider::generate(KeyAlgorithm algorithm) {
  openssl::PkeyPtr key = make_key(algorithm);
  if (!key) return refuse(Reason::kInternal, "key generation: " + openssl::take_error());
  LATCHKEY_TRY(random, fresh_key_name());
  const std::string name = random + std::string(kSuffix);
  std::vector<std::uint8_t> pem = openssl::key_to_pem(key.get());
  if (pem.empty()) return refuse(Reason::kInternal, "key encoding: " + openssl::take_error());
  const auto written = files::replace_file(folder_ / name, pem);
  wipe({pem.data(), pem.size()});
  if (!written) return refuse(Reason::kStorage, sentence("writing key", name, written.error()));

  GeneratedKey generated{name, share(std::move(key))};
  const std::scoped_lock lock(mutex_);
  parsed_[name] = generated.key;
  return generated;
}

Outcome<SigningKey> FileKeyProvider::load(const std::string& key_ref) {
  if (!named_like_a_key(key_ref, kSuffix))
    return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  // Reading stays under the lock, so that a key destroyed meanwhile cannot come back into memory.
  const std::scoped_lock lock(mutex_);
  if (const auto found = parsed_.find(key_ref); found != parsed_.end()) return found->second;
  auto pem = files::read_file(folder_ / key_ref, kKeyFileMax);
  if (!pem) {
    const Reason reason = pem.error() == Status::kNotFound ? Reason::kNotFound : Reason::kStorage;
    return refuse(reason, sentence("reading key", key_ref, pem.error()));
  }
  openssl::PkeyPtr key = openssl::key_from_pem(*pem);
  wipe({pem->data(), pem->size()});
  if (!key) return refuse(Reason::kStorage, "key file " + key_ref + " is damaged: " + openssl::take_error());
  return parsed_[key_ref] = share(std::move(key));
}

Outcome<void> FileKeyProvider::destroy(const std::string& key_ref) {
  if (!named_like_a_key(key_ref, kSuffix))
    return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  const std::scoped_lock lock(mutex_);
  parsed_.erase(key_ref);
  if (auto removed = files::remove_file(folder_ / key_ref); !removed) {
    return refuse(Reason::kStorage, sentence("destroying key", key_ref, removed.error()));
  }
  return {};
}

Outcome<std::size_t> FileKeyProvider::destroy_unnamed(const std::set<std::string>& named) {
  const std::scoped_lock lock(mutex_);
  std::size_t destroyed = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder_, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool orphan = named_like_a_key(name, kSuffix) && !named.contains(name);
    if (!orphan && !named_like_a_key(name, kUnfinished)) continue;
    parsed_.erase(name);
    if (auto removed = files::remove_file(entry->path()); !removed) {
      return refuse(Reason::kStorage, sentence("destroying key", name, removed.error()));
    }
    ++destroyed;
  }
  if (error) return refuse(Reason::kStorage, "reading key folder: " + error.message());
  return destroyed;
}

Outcome<void> FileKeyProvider::check(const std::set<std::string>& named) {
  for (const auto& key_ref : named) {
    if (!named_like_a_key(key_ref, kSuffix)) return refuse_key(key_ref, told(), {});
    std::error_code error;
    if (!std::filesystem::exists(folder_ / key_ref, error)) return refuse_key(key_ref, told(), "there is no such file");
  }
  return {};
}

std::string FileKeyProvider::told() const { return "files in " + folder_.string(); }

}  // namespace latchkey::hub::ca
