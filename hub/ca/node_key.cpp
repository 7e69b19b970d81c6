// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/node_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "platform/files/folder.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kHead = "latchkey-node-key-1 ";
constexpr std::string_view kIdLabel = "latchkey node key id";
constexpr std::size_t kTextSize = kHead.size() + hex_size(NodeKey::kSize) + 1;  // with its line end
constexpr std::size_t kMost = 8;

std::string errno_text() { return std::strerror(errno); }

bool write_all(int file, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content = content.subview(static_cast<std::size_t>(written), content.size());
  }
  return ::fsync(file) == 0;
}

}  // namespace

std::string to_text(const NodeKey::Id& id) {
  std::array<std::uint8_t, hex_size(sizeof(NodeKey::Id))> text{};
  return hex_encode(id, text) ? std::string(ByteView(text).text()) : std::string();
}

Outcome<std::shared_ptr<const NodeKey>> NodeKey::of(Secret key) {
  auto made = std::make_shared<NodeKey>();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> tag{};
  unsigned size = 0;
  const ByteView bytes = key.view();
  const ByteView label(kIdLabel);
  if (HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()), label.data(), label.size(), tag.data(), &size) ==
          nullptr ||
      size < made->id_.size()) {
    return refuse(Reason::kInternal, "the node key's id: " + openssl::take_error());
  }
  std::copy_n(tag.begin(), made->id_.size(), made->id_.begin());
  made->key_ = std::move(key);
  return std::shared_ptr<const NodeKey>(std::move(made));
}

Outcome<std::shared_ptr<const NodeKey>> NodeKey::make(const std::filesystem::path& file) {
  Secret key(kSize);
  if (RAND_priv_bytes(key.writable().data(), static_cast<int>(kSize)) != 1) {
    return refuse(Reason::kInternal, "no randomness: " + openssl::take_error());
  }
  Secret text(kTextSize);
  const MutableBytes out = text.writable();
  std::copy(kHead.begin(), kHead.end(), out.data());
  if (!hex_encode(key.view(), out.subview(kHead.size(), hex_size(kSize)))) return refuse(Reason::kInternal, "encoding");
  out[kTextSize - 1] = '\n';

  const files::Descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made && errno == EEXIST) {
    return refuse(Reason::kAlreadyExists, file.string() + " is there already; a node key is never overwritten");
  }
  if (!made) return refuse(Reason::kStorage, file.string() + " cannot be made: " + errno_text());
  const auto folder = files::open_folder(file.parent_path());
  const bool durable = ::fchmod(made.get(), 0600) == 0 && write_all(made.get(), text.view()) && folder &&
                       files::sync_folder(folder->get());
  if (!durable) {
    const std::string why = errno_text();
    ::unlink(file.c_str());
    return refuse(Reason::kStorage, file.string() + " cannot be written: " + why);
  }
  return of(std::move(key));
}

Outcome<std::shared_ptr<const NodeKey>> NodeKey::read(const std::filesystem::path& file) {
  auto text = read_secret_file(file, "the node key", kTextSize + 1);  // one more, to see that there is none
  if (!text && text.error().reason == Reason::kNotFound) {
    return refuse(Reason::kNotFound, text.error().detail + "; 'latchkey keys new " + file.string() +
                                         "' makes one for a new registry, nodes of an old one need its own");
  }
  if (!text) return fail(text.error());
  const std::string_view line = text->view().text();
  Secret key(kSize);
  const bool whole = (line.size() == kTextSize && line.back() == '\n') || line.size() == kTextSize - 1;
  if (!whole || !line.starts_with(kHead) || !hex_decode(line.substr(kHead.size(), hex_size(kSize)), key.writable())) {
    return refuse(Reason::kInvalidArgument, file.string() + " is not a node key of Latchkey's");
  }
  return of(std::move(key));
}

Outcome<NodeKeys> read_node_keys(const std::vector<std::filesystem::path>& files) {
  if (files.empty() || files.size() > kMost) return refuse(Reason::kInvalidArgument, "1 to 8 node keys are wanted");
  NodeKeys keys;
  for (const auto& file : files) {
    LATCHKEY_TRY(key, NodeKey::read(file));
    if (std::ranges::any_of(keys, [&](const auto& before) { return before->id() == key->id(); })) {
      return refuse(Reason::kInvalidArgument, file.string() + " holds a node key that was given before");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace latchkey::hub::ca
