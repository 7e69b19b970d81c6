// SPDX-License-Identifier: Apache-2.0
#include "registry/store/cas.h"

#include "registry/operations/internal/rules.h"
#include "registry/store/certificates.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

// Its policy or credential is gone, and with it whoever would ask for a later list. A CA that was revoked before its
// policy was deleted stays revoked.
Outcome<bool> is_deleted(store::Database& db, const CaCertificate& ca) {
  if (ca.status != CaStatus::kRevoked) return ca.status == CaStatus::kRetired;
  LATCHKEY_TRY(policy, store::find_policy_row(db, ca.owner));
  return !policy || policy->deleted;
}

Outcome<CrlOrder> order_for(store::Database& db, CaCertificate ca, std::uint64_t number, UnixMs now) {
  LATCHKEY_TRY(rows, ca.kind == CaKind::kRoot ? store::revoked_cas(db, ca.id, now)
                                              : store::revoked_certificates(db, ca.id, now));
  LATCHKEY_TRY(last, is_deleted(db, ca));
  CrlOrder order;
  order.ca = std::move(ca);
  order.number = number;
  order.last = last;
  order.revoked.reserve(rows.size());
  for (auto& row : rows) order.revoked.push_back({std::move(row.serial), row.revoked_at, row.reason});
  return order;
}

}  // namespace

Outcome<CaCertificate> SqlRegistry::find_ca(const Uuid& id) {
  return read<CaCertificate>([&](store::Database& db) -> Outcome<CaCertificate> {
    LATCHKEY_TRY(found, store::find_ca(db, id));
    if (!found) return refuse(Reason::kNotFound, "there is no such CA certificate");
    return std::move(*found);
  });
}

Outcome<std::vector<CaCertificate>> SqlRegistry::list_cas() {
  return read<std::vector<CaCertificate>>([](store::Database& db) { return store::list_cas(db); });
}

Outcome<std::vector<CrlOrder>> SqlRegistry::due_crls(UnixMs now) {
  return read<std::vector<CrlOrder>>([&](store::Database& db) -> Outcome<std::vector<CrlOrder>> {
    std::vector<CrlOrder> orders;
    LATCHKEY_TRY(due, store::due_cas(db));
    for (auto& [ca, number] : due) {
      LATCHKEY_TRY(order, order_for(db, std::move(ca), number, now));
      orders.push_back(std::move(order));
    }
    return orders;
  });
}

// A write: the order takes a number of its own, so that a change that comes before it is published is not lost.
Outcome<CrlOrder> SqlRegistry::crl_order(const Uuid& ca, UnixMs now) {
  CrlOrder order;
  LATCHKEY_TRY(kept, keep([&](store::Database& db) -> Outcome<Nothing> {
                 LATCHKEY_TRY(found, store::find_ca(db, ca));
                 if (!found || found->key_ref.empty() || found->status == CaStatus::kPending)
                   return refuse(Reason::kNotFound, "there is no such CA with a key");
                 LATCHKEY_TRY_VOID(store::order_crl(db, ca));
                 LATCHKEY_TRY(number, store::wanted_crl(db, ca));
                 found->crl_due = true;
                 LATCHKEY_TRY(made, order_for(db, std::move(*found), number, now));
                 order = std::move(made);
                 return Nothing{};
               }));
  static_cast<void>(kept);
  return order;
}

// The number says which state of the list was published; the count of its entries is not needed.
Outcome<Nothing> SqlRegistry::crl_published(const Uuid& ca, std::uint64_t number, std::size_t /*entries*/) {
  return keep([&](store::Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, store::find_ca(db, ca));
    if (!found) return refuse(Reason::kNotFound, "there is no such CA certificate");
    LATCHKEY_TRY_VOID(store::crl_published(db, ca, number));
    LATCHKEY_TRY(deleted, is_deleted(db, *found));
    if (deleted) LATCHKEY_TRY_VOID(store::keep_crl_due(db, ca));
    return Nothing{};
  });
}

Outcome<Nothing> SqlRegistry::ca_ended(const Uuid& ca, std::uint64_t number) {
  return keep([&](store::Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, store::find_ca(db, ca));
    if (!found) return refuse(Reason::kNotFound, "there is no such CA certificate");
    LATCHKEY_TRY(deleted, is_deleted(db, *found));
    if (!deleted) return refuse(Reason::kPreconditionFailed, "CA '" + found->subject + "' is in use");
    if (found->key_ref.empty()) return Nothing{};  // ended before
    LATCHKEY_TRY(wanted, store::wanted_crl(db, ca));
    if (wanted != number) return refuse(Reason::kPreconditionFailed, "the list of '" + found->subject + "' changed");
    LATCHKEY_TRY_VOID(store::crl_published(db, ca, number));
    return store::forget_key(db, ca);
  });
}

}  // namespace latchkey::registry
