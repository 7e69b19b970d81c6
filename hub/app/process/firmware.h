// SPDX-License-Identifier: Apache-2.0
// Campaigns of firmware as management asks for them: what is published goes into the data folder and the registry, and
// the devices of every hub of the namespace hear of it. And revocations of signing certificates, of which devices hear
// in a statement.
//
// Threads: any. Bundles are kept and removed by one at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/firmware/bundles.h"
#include "hub/firmware/statements.h"
#include "hub/management/management.h"
#include "registry/firmware/campaigns.h"

namespace latchkey::hub::app {

class Firmware final : public management::Firmware {
 public:
  // Folder: bundles and the statement key, made when it is not there. Bundles that no campaign has are removed. All
  // outlive this object. kUnauthorized: the folder is open to others. kStorage.
  static registry::Outcome<std::unique_ptr<Firmware>> open(registry::Registry& registry, const HubEndpoints& hubs,
                                                           const std::filesystem::path& folder);

  firmware::Statements& statements() { return statements_; }
  const firmware::Bundles& bundles() const { return bundles_; }
  // Something was revoked, or may have been while nobody looked: makes the statement that says so, and tells it. A
  // failure is told at the terminal; the next call, and the next start, try again.
  void revocations_changed(const registry::Call& call);

  registry::Outcome<Campaign> publish(const registry::Call& call, const std::string& ns, const registry::Bytes& id,
                                      const Order& order) override;
  registry::Outcome<Campaign> raise(const registry::Call& call, const std::string& ns, const registry::Bytes& id,
                                    std::int64_t percent) override;
  registry::Outcome<Campaign> withdraw(const registry::Call& call, const std::string& ns,
                                       const registry::Bytes& id) override;
  registry::Outcome<std::vector<Campaign>> list(const std::string& ns) override { return rows_.list(ns); }
  registry::Outcome<Campaign> find(const std::string& ns, const registry::Bytes& id) override {
    return rows_.find(ns, id);
  }
  registry::Outcome<registry::firmware::Tally> tally(const Campaign& campaign) override {
    return rows_.tally(campaign);
  }
  registry::Outcome<std::vector<registry::firmware::Progress>> progress(const Campaign& campaign,
                                                                        const std::string& after,
                                                                        std::size_t limit) override {
    return rows_.progress(campaign, after, limit);
  }
  registry::Outcome<std::optional<Statement>> pins() override {
    return statements_.newest(firmware::StatementKind::kPins);
  }
  registry::Outcome<std::optional<Statement>> revocations() override {
    return statements_.newest(firmware::StatementKind::kRevocations);
  }
  registry::Outcome<Statement> pin(const registry::Call& call, const std::vector<std::string>& ekus) override;
  registry::Outcome<registry::Bytes> statement_key(const registry::Call& call) override {
    return statements_.public_key(call);
  }

 private:
  Firmware(registry::Registry& registry, const HubEndpoints& hubs, firmware::Bundles bundles,
           const std::filesystem::path& folder);
  registry::Outcome<firmware::BundleFacts> read(const registry::Bytes& id, const Order& order) const;
  registry::Outcome<registry::Nothing> tidy();
  tl::unexpected<registry::Refusal> refused(const registry::Call& call, const std::string& ns,
                                            const registry::Bytes& id, const char* act, registry::Refusal refusal);
  registry::Outcome<registry::Nothing> tell_all(const registry::Call& call, const std::string& ns,
                                                const registry::Bytes& id, const char* act);
  void tell_statements() const;
  void tell_offers(const std::string& ns) const;

  registry::Registry& registry_;
  const HubEndpoints& hubs_;
  const firmware::Bundles bundles_;
  registry::firmware::CampaignRows rows_;
  firmware::Statements statements_;
  std::mutex bundles_change_;
};

// Lets devices know of what is revoked.
class ToldRevocations final : public management::SigningRevocations {
 public:
  // Both outlive this object.
  ToldRevocations(management::SigningRevocations& inner, Firmware& firmware) : inner_(inner), firmware_(firmware) {}
  registry::Outcome<registry::Nothing> revoke(const registry::Call& call, const std::string& account,
                                              const std::string& profile, const std::vector<Order>& orders) override;
  void hold(bool held) override { inner_.hold(held); }
  registry::Outcome<registry::signing::Certificate> settle(const registry::Call& call, const std::string& account,
                                                           const std::string& profile, const std::string& serial,
                                                           const std::string& failure) override;

 private:
  management::SigningRevocations& inner_;
  Firmware& firmware_;
};

}  // namespace latchkey::hub::app
