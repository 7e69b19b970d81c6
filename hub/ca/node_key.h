// SPDX-License-Identifier: Apache-2.0
// The node key: 256 random bits in a file that every hub node is given, under which CA keys are sealed (sealing.h).
//
//   latchkey-node-key-1 <64 hex digits>
//
// Whoever has it and the sealed keys has the CAs. It is never in the registry, in a log or on a command line; what may
// be told of it is its id.
//
// Threads: a key never changes.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "hub/ca/secret_file.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

class NodeKey {
 public:
  static constexpr std::size_t kSize = 32;
  // The first octets of HMAC-SHA-256 by the key over a fixed text: tells keys apart, and says nothing about them.
  using Id = std::array<std::uint8_t, 8>;

  // A new one, in a new file of mode 0600. kAlreadyExists: a file is there, and stays. kStorage, kInternal.
  static registry::Outcome<std::shared_ptr<const NodeKey>> make(const std::filesystem::path& file);
  // kNotFound; kUnauthorized: not a file of ours or root's, or others than its owner may read or write it;
  // kInvalidArgument: something else stands in it.
  static registry::Outcome<std::shared_ptr<const NodeKey>> read(const std::filesystem::path& file);

  const Id& id() const { return id_; }
  ByteView bytes() const { return key_.view(); }

 private:
  static registry::Outcome<std::shared_ptr<const NodeKey>> of(Secret key);
  Secret key_;
  Id id_{};
};

std::string to_text(const NodeKey::Id& id);  // 16 hex digits

// The node keys that a node knows, at least one: the first seals, all unseal.
using NodeKeys = std::vector<std::shared_ptr<const NodeKey>>;
// kInvalidArgument: none, more than 8, or one twice; else as NodeKey::read.
registry::Outcome<NodeKeys> read_node_keys(const std::vector<std::filesystem::path>& files);

}  // namespace latchkey::hub::ca
