// SPDX-License-Identifier: Apache-2.0
// For rooms that keep rows of their own in the registry's file (registry/signing): their rules run as the registry's
// do, on the writer's thread, in a savepoint of a shared commit, with an audit record in the same transaction.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "registry/model/audit.h"
#include "registry/operations/registry.h"
#include "registry/store/sql.h"

namespace latchkey::registry {

// What such a rule has at hand. Valid during the rule only.
struct RowAct {
  store::Database& db;
  const Call& call;
  std::string note = {};  // detail of the audit record when the rule succeeds; no secrets
  AuditFacts before = {};
  AuditFacts after = {};

  void changed(const std::string& name, std::string was, std::string is) {
    before.push_back({name, std::move(was)});
    after.push_back({name, std::move(is)});
  }
  UnixMs now() const { return call.now; }
};

// Settings that hold the tenant of the folder's subscription (kSubscriptionSetting): its uuid, and its name, which is
// what private identity validations are for unless they say otherwise. Both are there from the first opening on.
inline constexpr std::string_view kTenantSetting = "tenant";
inline constexpr std::string_view kTenantNameSetting = "tenant_name";
inline constexpr std::string_view kUsualTenantName = "Latchkey Rehearsal";

class RowKeeper {
 public:
  virtual ~RowKeeper() = default;
  // One operation: audited, whether it goes through or is refused. A refused one changes nothing else. Blocks until it
  // is durable.
  virtual Outcome<Nothing> attempt(const Call& call, std::string_view action, const std::string& resource,
                                   const std::function<Outcome<Nothing>(RowAct&)>& rule) = 0;
  // A write that is nobody's operation: bookkeeping of the hub process, not audited.
  virtual Outcome<Nothing> keep_rows(const std::function<Outcome<Nothing>(store::Database&)>& rule) = 0;
  // Sees the last commit, and waits for no writer.
  virtual Outcome<Nothing> look(const std::function<Outcome<Nothing>(store::Database&)>& look) = 0;

  template <class T>
  Outcome<T> looked(const std::function<Outcome<T>(store::Database&)>& view) {
    T value{};
    LATCHKEY_TRY(done, look([&](store::Database& db) -> Outcome<Nothing> {
                   LATCHKEY_TRY(found, view(db));
                   value = std::move(found);
                   return Nothing{};
                 }));
    static_cast<void>(done);
    return value;
  }
  template <class T>
  Outcome<T> attempted(const Call& call, std::string_view action, const std::string& resource,
                       const std::function<Outcome<T>(RowAct&)>& rule) {
    T value{};
    LATCHKEY_TRY(done, attempt(call, action, resource, [&](RowAct& act) -> Outcome<Nothing> {
                   LATCHKEY_TRY(made, rule(act));
                   value = std::move(made);
                   return Nothing{};
                 }));
    static_cast<void>(done);
    return value;
  }
};

// RFC 9562 version 4.
Uuid fresh_uuid();

// The rows behind a registry that Registry::open made.
RowKeeper& rows_of(Registry& registry);

}  // namespace latchkey::registry
