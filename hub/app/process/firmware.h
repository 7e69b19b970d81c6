// SPDX-License-Identifier: Apache-2.0
// Campaigns of firmware as management asks for them: what is published goes into the data folder and the registry, and
// the devices of every hub of the namespace hear of it. And revocations of signing certificates, of which devices hear
// in a statement.
//
// What devices here are told is what stands in the registry and did not when they were told last, whoever changed it:
// of several nodes each tells its own, the one that was asked before it answers, the others within about a second.
//
// Threads: any. Bundles are kept and removed by one at a time, devices told by one at a time.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>

#include "hub/app/base/every_second.h"
#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/firmware/bundles.h"
#include "hub/firmware/statements.h"
#include "hub/management/management.h"
#include "registry/firmware/campaigns.h"

namespace latchkey::hub::app {

class Firmware final : public management::Firmware {
 public:
  enum class Nodes : std::uint8_t { kOne, kSeveral };  // that give out the registry's bundles
  // Folder: of bundles, made when it is not there. Bundles that no campaign has are removed. All outlive this object.
  // kUnauthorized: the folder is open to others. kStorage.
  static registry::Outcome<std::unique_ptr<Firmware>> open(registry::Registry& registry, const HubEndpoints& hubs,
                                                           const std::filesystem::path& folder,
                                                           firmware::StatementKey& key, Nodes nodes);
  ~Firmware() override { stop(); }

  // Of one of several nodes: what is published from here alone, as it was alone before, is the others' from now on, and
  // what others do is told here. kStorage.
  registry::Outcome<registry::Nothing> join();
  void others_changed() { behind_ = true; }  // something, of whatever kind, in the registry
  void stop();

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
  using Shared = std::unique_ptr<registry::firmware::BundleRows>;
  using Standing = registry::firmware::Standing;
  using Versions = std::array<std::uint64_t, 2>;
  Firmware(registry::Registry& registry, const HubEndpoints& hubs, Shared shared, firmware::Bundles bundles,
           firmware::StatementKey& key);
  registry::Outcome<firmware::BundleFacts> read(const registry::Bytes& id, const Order& order) const;
  registry::Outcome<registry::Nothing> tidy();
  tl::unexpected<registry::Refusal> refused(const registry::Call& call, const std::string& ns,
                                            const registry::Bytes& id, const char* act, registry::Refusal refusal);
  registry::Outcome<registry::Nothing> tell_all(const registry::Call& call, const std::string& ns,
                                                const registry::Bytes& id, const char* act);
  registry::Outcome<Versions> versions();
  registry::Outcome<registry::Nothing> catch_up();
  void tell();
  void tell_withdrawn(const Standing& stood);

  registry::Registry& registry_;
  const HubEndpoints& hubs_;
  const Shared shared_;  // null: no other node
  const firmware::Bundles bundles_;
  registry::firmware::CampaignRows rows_;
  firmware::Statements statements_;
  std::mutex bundles_change_;
  std::mutex telling_;  // guards the next two: what devices here were told last
  std::vector<Standing> standing_;
  Versions versions_{};
  std::atomic<bool> behind_{false};
  EverySecond follower_;  // of several nodes
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
