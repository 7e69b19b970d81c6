// SPDX-License-Identifier: Apache-2.0
// Secrets from files that are their owner's alone: node keys and PINs.
//
// Threads: pure but for the file.
#pragma once

#include <filesystem>
#include <string>

#include "platform/base/bytes.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

// Octets that are wiped when they go.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : bytes_(size) {}
  explicit Secret(registry::Bytes&& bytes) : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  Secret& operator=(Secret&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~Secret() { wipe({bytes_.data(), bytes_.size()}); }
  MutableBytes writable() { return {bytes_.data(), bytes_.size()}; }
  ByteView view() const { return bytes_; }
  void shrink(std::size_t size) {
    wipe({bytes_.data() + size, bytes_.size() - size});
    bytes_.resize(size);
  }
  bool empty() const { return bytes_.empty(); }

 private:
  registry::Bytes bytes_;
};

// The whole file. Links are followed, as Kubernetes mounts secrets behind them; what counts is the file at their end.
// `what`: for people, "the node key". kNotFound; kUnauthorized: not a file, not ours or root's, or others than its
// owner may read or write it; kInvalidArgument: more than `limit` octets; kStorage.
registry::Outcome<Secret> read_secret_file(const std::filesystem::path& file, const std::string& what,
                                           std::size_t limit);

}  // namespace latchkey::hub::ca
