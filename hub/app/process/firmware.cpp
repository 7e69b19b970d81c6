// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/firmware.h"

#include <unistd.h>

#include "hub/firmware/campaign_news.h"
#include "hub/text/encoding.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::app {

using registry::Call;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

Firmware::Firmware(registry::Registry& registry, const HubEndpoints& hubs, Shared shared, firmware::Bundles bundles,
                   firmware::StatementKey& key)
    : registry_(registry),
      hubs_(hubs),
      shared_(std::move(shared)),
      bundles_(std::move(bundles)),
      rows_(rows_of(registry)),
      statements_(rows_of(registry), key),
      follower_(
          [this]() -> Outcome<void> {
            if (behind_.exchange(false)) tell();
            return {};
          },
          {}) {}

Outcome<std::unique_ptr<Firmware>> Firmware::open(registry::Registry& registry, const HubEndpoints& hubs,
                                                  const std::filesystem::path& folder, firmware::StatementKey& key,
                                                  Nodes nodes) {
  Shared shared;
  if (nodes == Nodes::kSeveral) shared = std::make_unique<registry::firmware::BundleRows>(rows_of(registry));
  LATCHKEY_TRY(bundles, firmware::Bundles::open(folder, shared.get()));
  std::unique_ptr<Firmware> opened(new Firmware(registry, hubs, std::move(shared), std::move(bundles), key));
  LATCHKEY_TRY_VOID(opened->tidy());
  LATCHKEY_TRY(standing, opened->rows_.standing());
  LATCHKEY_TRY(versions, opened->versions());
  opened->standing_ = std::move(standing);
  opened->versions_ = versions;
  return opened;
}

Outcome<Nothing> Firmware::join() {
  LATCHKEY_TRY(used, rows_.bundles_in_use());
  for (const auto& id : used) {
    if (!bundles_.has(id)) continue;
    LATCHKEY_TRY(there, shared_->has(id));
    if (there) continue;
    LATCHKEY_TRY(content, bundles_.read(id, 0, firmware::Bundles::kSizeMax));
    LATCHKEY_TRY_VOID(shared_->put(id, ByteView(content)));
  }
  follower_.start();
  return Nothing{};
}

void Firmware::stop() { follower_.stop(); }

Outcome<Nothing> Firmware::tidy() {
  LATCHKEY_TRY(used, rows_.bundles_in_use());
  return bundles_.remove_others({used.begin(), used.end()});
}

Outcome<Firmware::Versions> Firmware::versions() {
  Versions versions{};
  LATCHKEY_TRY(pins, statements_.newest(firmware::StatementKind::kPins));
  LATCHKEY_TRY(revocations, statements_.newest(firmware::StatementKind::kRevocations));
  if (pins) versions[0] = pins->version;
  if (revocations) versions[1] = revocations->version;
  return versions;
}

// Statements before the offers that have to be judged by them.
Outcome<Nothing> Firmware::catch_up() {
  const std::lock_guard lock(telling_);
  LATCHKEY_TRY(versions, versions());
  LATCHKEY_TRY(standing, rows_.standing());
  const auto news = firmware::news_between(standing_, standing);
  for (const auto& one : news.fresh) {
    if (shared_ != nullptr) (void)bundles_.fetch(one.bundle);  // or when the first device asks for it
  }
  if (versions != versions_) {
    for (const auto& hub : hubs_.all()) hub->firmware_desk().tell_statements();
  }
  for (const auto& one : news.withdrawn) tell_withdrawn(one);
  for (const auto& hub : hubs_.all()) {
    if (news.namespaces.contains(hub->namespace_name())) hub->firmware_desk().tell_offers();
  }
  standing_ = std::move(standing);
  versions_ = versions;
  if (news.withdrawn.empty()) return Nothing{};
  const std::lock_guard bundles(bundles_change_);
  return tidy();
}

// One that was begun anew meanwhile may reach others by now: whoever it is for may have been reached.
void Firmware::tell_withdrawn(const Standing& stood) {
  auto campaign = rows_.find(stood.namespace_name, stood.bundle);
  if (!campaign) return;  // its namespace was deleted
  if (campaign->state == registry::firmware::CampaignState::kActive) campaign->percent = 100;
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() == stood.namespace_name) hub->firmware_desk().tell_withdrawn(*campaign);
  }
}

// What fails is tried again a second later, or with the next change.
void Firmware::tell() {
  if (!catch_up()) behind_ = true;
}

void Firmware::revocations_changed(const Call& call) {
  const auto made = statements_.refresh(call);
  if (!made) {
    (void)::dprintf(STDERR_FILENO, "latchkey: devices are not told of what was revoked: %s\n",
                    made.error().detail.c_str());
  } else if (*made) {
    tell();
  }
}

Outcome<firmware::BundleFacts> Firmware::read(const registry::Bytes& id, const Order& order) const {
  if (order.bundle.size() > firmware::Bundles::kSizeMax) {
    return refuse(Reason::kInvalidArgument, "a bundle has 11 MiB at most");
  }
  LATCHKEY_TRY(facts, firmware::facts_of(ByteView(order.bundle)));
  if (facts.id != id) {
    return refuse(Reason::kInvalidArgument, "the bundle's SHA-256 is " + text::hex(ByteView(facts.id)));
  }
  return facts;
}

tl::unexpected<registry::Refusal> Firmware::refused(const Call& call, const std::string& ns, const registry::Bytes& id,
                                                    const char* act, registry::Refusal refusal) {
  (void)registry_.audit(call, act, "namespaces/" + ns + "/firmwareCampaigns/" + text::hex(ByteView(id)),
                        std::string(registry::to_string(refusal.reason)), refusal.detail);
  return fail(std::move(refusal));
}

// Nobody gets firmware while there is a revocation that devices cannot be told of.
Outcome<Nothing> Firmware::tell_all(const Call& call, const std::string& ns, const registry::Bytes& id,
                                    const char* act) {
  const auto made = statements_.refresh(call);
  if (!made) return refused(call, ns, id, act, made.error());
  if (*made) tell();
  return Nothing{};
}

Outcome<Firmware::Campaign> Firmware::publish(const Call& call, const std::string& ns, const registry::Bytes& id,
                                              const Order& order) {
  auto facts = read(id, order);
  if (!facts) return refused(call, ns, id, "firmware.publish", facts.error());
  registry::firmware::NewCampaign wanted;
  wanted.bundle = facts->id;
  wanted.size = facts->size;
  wanted.board = facts->board;
  wanted.version = facts->version;
  wanted.image = facts->image;
  wanted.policy = order.policy;
  wanted.devices = order.devices;
  wanted.percent = order.percent;
  if (shared_ != nullptr) wanted.content = ByteView(order.bundle);
  if (auto told = tell_all(call, ns, id, "firmware.publish"); !told) return fail(told.error());
  Outcome<Campaign> campaign = refuse(Reason::kInternal, "");
  {
    const std::lock_guard lock(bundles_change_);
    LATCHKEY_TRY_VOID(bundles_.keep(facts->id, ByteView(order.bundle)));
    campaign = rows_.publish(call, ns, wanted);
    if (!campaign) (void)tidy();  // or at the next start
  }
  if (campaign) tell();
  return campaign;
}

Outcome<Firmware::Campaign> Firmware::raise(const Call& call, const std::string& ns, const registry::Bytes& id,
                                            std::int64_t percent) {
  if (auto told = tell_all(call, ns, id, "firmware.raise"); !told) return fail(told.error());
  LATCHKEY_TRY(campaign, rows_.raise(call, ns, id, percent));
  tell();
  return campaign;
}

Outcome<Firmware::Campaign> Firmware::withdraw(const Call& call, const std::string& ns, const registry::Bytes& id) {
  LATCHKEY_TRY(campaign, rows_.withdraw(call, ns, id));
  tell();
  return campaign;
}

Outcome<Firmware::Statement> Firmware::pin(const Call& call, const std::vector<std::string>& ekus) {
  LATCHKEY_TRY(statement, statements_.pin(call, ekus));
  tell();
  return statement;
}

// Also after a failure: what was revoked before it stands.
Outcome<Nothing> ToldRevocations::revoke(const Call& call, const std::string& account, const std::string& profile,
                                         const std::vector<Order>& orders) {
  auto done = inner_.revoke(call, account, profile, orders);
  firmware_.revocations_changed(call);
  return done;
}

Outcome<registry::signing::Certificate> ToldRevocations::settle(const Call& call, const std::string& account,
                                                                const std::string& profile, const std::string& serial,
                                                                const std::string& failure) {
  auto settled = inner_.settle(call, account, profile, serial, failure);
  firmware_.revocations_changed(call);
  return settled;
}

}  // namespace latchkey::hub::app
