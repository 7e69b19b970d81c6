// SPDX-License-Identifier: Apache-2.0
// Revocation of signing certificates for the management API: names of accounts and profiles become the service's
// profiles. Threads: any. The service outlives it.
#pragma once

#include "hub/management/management.h"
#include "hub/signing/service/service.h"

namespace latchkey::hub::app {

class SigningRevocations final : public management::SigningRevocations {
 public:
  explicit SigningRevocations(signing::Service& service) : service_(service) {}

  registry::Outcome<registry::Nothing> revoke(const registry::Call& call, const std::string& account,
                                              const std::string& profile, const std::vector<Order>& orders) override {
    LATCHKEY_TRY(facts, service_.directory().find(account, profile));
    std::vector<signing::RevocationOrder> wanted;
    wanted.reserve(orders.size());
    for (const Order& one : orders) {
      wanted.push_back({one.serial, one.thumbprint, one.effective_at, one.reason, one.remarks});
    }
    LATCHKEY_TRY_VOID(service_.revocations().revoke(call, facts, wanted));
    return registry::Nothing{};
  }
  void hold(bool held) override { service_.revocations().hold(held); }
  registry::Outcome<registry::signing::Certificate> settle(const registry::Call& call, const std::string& account,
                                                           const std::string& profile, const std::string& serial,
                                                           const std::string& failure) override {
    LATCHKEY_TRY(facts, service_.directory().find(account, profile));
    return service_.revocations().settle(call, facts, serial, failure);
  }

 private:
  signing::Service& service_;
};

}  // namespace latchkey::hub::app
