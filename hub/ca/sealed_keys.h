// SPDX-License-Identifier: Apache-2.0
// SealedKeys: where sealed keys lie (sealing.h), for several hub nodes at once. It never sees a key in the clear, and
// need not be trusted with one; what it can do is lose or withhold them.
//
// Implementations: a folder on a file system that nodes share (sealed_folder.h), and a table of the registry
// (sealed_table.h), so that nodes share nothing but the registry.
//
// Threads, and nodes: all functions may be called from any thread of any node at the same time.
#pragma once

#include <string>
#include <vector>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

class SealedKeys {
 public:
  virtual ~SealedKeys() = default;
  struct Entry {
    std::string key_ref;
    UnixMs made = 0;  // when it was put there; later, perhaps, when it was replaced
  };

  // Durable when it returns. kAlreadyExists, kStorage.
  virtual registry::Outcome<void> put(const std::string& key_ref, const registry::Bytes& sealed, UnixMs now) = 0;
  // kNotFound, kStorage.
  virtual registry::Outcome<registry::Bytes> get(const std::string& key_ref) = 0;
  // Only if `before` lies there, whole or not at all, durable when it returns. kNotFound: it was erased, and stays so.
  // kPreconditionFailed: something else lies there. kStorage.
  virtual registry::Outcome<void> replace(const std::string& key_ref, const registry::Bytes& before,
                                          const registry::Bytes& after) = 0;
  // One that is not there is success. kStorage.
  virtual registry::Outcome<void> erase(const std::string& key_ref) = 0;
  // All of them, in the order of their references. kStorage.
  virtual registry::Outcome<std::vector<Entry>> list() = 0;
};

}  // namespace latchkey::hub::ca
