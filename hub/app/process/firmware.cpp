// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/firmware.h"

#include <unistd.h>

#include "hub/text/encoding.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::app {

using registry::Call;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

Firmware::Firmware(registry::Registry& registry, const HubEndpoints& hubs, firmware::Bundles bundles,
                   const std::filesystem::path& folder)
    : registry_(registry),
      hubs_(hubs),
      bundles_(std::move(bundles)),
      rows_(rows_of(registry)),
      statements_(rows_of(registry), folder) {}

Outcome<std::unique_ptr<Firmware>> Firmware::open(registry::Registry& registry, const HubEndpoints& hubs,
                                                  const std::filesystem::path& folder) {
  LATCHKEY_TRY(bundles, firmware::Bundles::open(folder));
  std::unique_ptr<Firmware> opened(new Firmware(registry, hubs, std::move(bundles), folder));
  LATCHKEY_TRY_VOID(opened->tidy());
  return opened;
}

Outcome<Nothing> Firmware::tidy() {
  LATCHKEY_TRY(used, rows_.bundles_in_use());
  return bundles_.remove_others({used.begin(), used.end()});
}

void Firmware::tell_statements() const {
  for (const auto& hub : hubs_.all()) hub->firmware_desk().tell_statements();
}

void Firmware::tell_offers(const std::string& ns) const {
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() == ns) hub->firmware_desk().tell_offers();
  }
}

void Firmware::revocations_changed(const Call& call) {
  const auto made = statements_.refresh(call);
  if (!made) {
    (void)::dprintf(STDERR_FILENO, "latchkey: devices are not told of what was revoked: %s\n",
                    made.error().detail.c_str());
  } else if (*made) {
    tell_statements();
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
  if (*made) tell_statements();
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
  if (auto told = tell_all(call, ns, id, "firmware.publish"); !told) return fail(told.error());
  Outcome<Campaign> campaign = refuse(Reason::kInternal, "");
  {
    const std::lock_guard lock(bundles_change_);
    LATCHKEY_TRY_VOID(bundles_.keep(facts->id, ByteView(order.bundle)));
    campaign = rows_.publish(call, ns, wanted);
    if (!campaign) (void)tidy();  // or at the next start
  }
  if (campaign) tell_offers(ns);
  return campaign;
}

Outcome<Firmware::Campaign> Firmware::raise(const Call& call, const std::string& ns, const registry::Bytes& id,
                                            std::int64_t percent) {
  if (auto told = tell_all(call, ns, id, "firmware.raise"); !told) return fail(told.error());
  LATCHKEY_TRY(campaign, rows_.raise(call, ns, id, percent));
  tell_offers(ns);
  return campaign;
}

Outcome<Firmware::Campaign> Firmware::withdraw(const Call& call, const std::string& ns, const registry::Bytes& id) {
  LATCHKEY_TRY(campaign, rows_.withdraw(call, ns, id));
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() == ns) hub->firmware_desk().tell_withdrawn(campaign);
  }
  const std::lock_guard lock(bundles_change_);
  (void)tidy();
  return campaign;
}

Outcome<Firmware::Statement> Firmware::pin(const Call& call, const std::vector<std::string>& ekus) {
  LATCHKEY_TRY(statement, statements_.pin(call, ekus));
  tell_statements();
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
