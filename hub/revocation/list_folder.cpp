// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/list_folder.h"

#include <sys/stat.h>

#include <array>
#include <charconv>
#include <ctime>

#include "platform/files/file.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::revocation {
namespace {

constexpr std::size_t kListMax = std::size_t{512} * 1024 * 1024;

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

std::shared_ptr<const List> read_list(const std::filesystem::path& file) {
  auto content = files::read_text(file, kListMax);
  if (!content) return nullptr;
  const ByteView bytes(*content);
  const std::uint8_t* end = bytes.data();
  const openssl::X509CrlPtr crl(d2i_X509_CRL(nullptr, &end, static_cast<long>(bytes.size())));
  openssl::take_error();
  if (!crl || end != bytes.end()) return nullptr;
  auto list = std::make_shared<List>();
  list->tag = tag_of(bytes);
  list->this_update = unix_ms(X509_CRL_get0_lastUpdate(crl.get()));
  list->next_update = unix_ms(X509_CRL_get0_nextUpdate(crl.get()));
  list->der = *std::move(content);
  return list;
}

// Takes "8/" off the front; nothing unless it begins with such a number.
std::optional<unsigned> take_number(std::string_view& text, char end) {
  unsigned value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto size = static_cast<std::size_t>(rest - text.data());
  if (error != std::errc() || size == text.size() || text[size] != end) return std::nullopt;
  text.remove_prefix(size + 1);
  return value;
}

}  // namespace

std::string ListName::path() const {
  const std::string name(view(to_text(ca)));
  if (shards == 1) return name + ".crl";
  return name + "/" + std::to_string(shards) + "/" + std::to_string(index) + ".crl";
}

// What does not read back as it was written (upper case, leading zeros) is no name.
std::optional<ListName> parse_list_name(std::string_view path) {
  const auto uuid = parse_uuid(path.substr(0, kUuidTextSize));
  if (!uuid) return std::nullopt;
  ListName name{*uuid};
  if (auto rest = path.substr(kUuidTextSize); rest.starts_with('/')) {
    rest.remove_prefix(1);
    const auto shards = take_number(rest, '/');
    const auto index = take_number(rest, '.');
    if (!shards || !index || *index >= *shards) return std::nullopt;
    name.shards = *shards;
    name.index = *index;
  }
  if (name.path() != path) return std::nullopt;
  return name;
}

std::string tag_of(ByteView content) {
  constexpr std::size_t kTagBytes = 16;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(content.data(), content.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string tag(hex_size(kTagBytes), '0');
  (void)hex_encode({digest.data(), kTagBytes}, {reinterpret_cast<std::uint8_t*>(tag.data()), tag.size()});
  return tag;
}

std::optional<ListFolder::Stamp> ListFolder::stamp_of(const std::filesystem::path& file) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Stamp{status.st_ino, status.st_size, status.st_mtim.tv_sec * kNsPerSecond + status.st_mtim.tv_nsec};
}

// Stamped before it is read: what is replaced in between is read again at the next call.
std::shared_ptr<const List> ListFolder::list(const ListName& name) {
  const auto path = name.path();
  const auto file = folder_ / path;
  const auto stamp = stamp_of(file);
  if (!stamp) return nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = kept_.find(path); found != kept_.end() && found->second.stamp == *stamp) {
      return found->second.list;
    }
  }
  auto list = read_list(file);
  const std::scoped_lock lock(mutex_);
  kept_[path] = {*stamp, list};
  return list;
}

}  // namespace latchkey::hub::revocation
