// SPDX-License-Identifier: Apache-2.0
// SealedTable: sealed keys as rows of the registry (registry/operations/sealed_keys.h).
#pragma once

#include "hub/ca/sealed_keys.h"
#include "registry/operations/sealed_keys.h"

namespace latchkey::hub::ca {

class SealedTable final : public SealedKeys {
 public:
  // The registry outlives it.
  explicit SealedTable(registry::Registry& registry) : rows_(registry::rows_of(registry)) {}

  registry::Outcome<void> put(const std::string& key_ref, const registry::Bytes& sealed, UnixMs now) override {
    return done(rows_.put({key_ref, sealed, now}));
  }
  registry::Outcome<registry::Bytes> get(const std::string& key_ref) override { return rows_.get(key_ref); }
  registry::Outcome<void> replace(const std::string& key_ref, const registry::Bytes& before,
                                  const registry::Bytes& after) override {
    return done(rows_.replace(key_ref, before, after));
  }
  registry::Outcome<void> erase(const std::string& key_ref) override { return done(rows_.erase(key_ref)); }
  registry::Outcome<std::vector<Entry>> list() override {
    LATCHKEY_TRY(rows, rows_.list());
    std::vector<Entry> entries;
    for (auto& row : rows) entries.push_back({std::move(row.key_ref), row.made});
    return entries;
  }

 private:
  static registry::Outcome<void> done(const registry::Outcome<registry::Nothing>& outcome) {
    if (!outcome) return fail(outcome.error());
    return {};
  }
  registry::SealedKeyRows rows_;
};

}  // namespace latchkey::hub::ca
