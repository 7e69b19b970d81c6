// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <thread>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Feed : public RegistryTest {};

// What a gate keeps: the devices of one namespace, the anchors of one hub.
struct Follower {
  Uuid hub;
  Uuid namespace_uuid;
  std::map<std::string, DeviceState> devices;
  std::map<Uuid, Bytes> anchors;

  void apply(const ChangeBody& body) { std::visit(*this, body); }
  void operator()(const DeviceState& state) {
    if (state.namespace_uuid == namespace_uuid) devices[state.id] = state;
  }
  void operator()(const DeviceGone& gone) {
    if (gone.namespace_uuid == namespace_uuid) devices.erase(gone.id);
  }
  void operator()(const AnchorAdded& added) {
    if (added.hub == hub) anchors[added.ca] = added.der;
  }
  void operator()(const AnchorGone& gone) {
    if (gone.hub == hub) anchors.erase(gone.ca);
  }
};

void expect_same(const Follower& a, const Follower& b) {
  EXPECT_EQ(a.anchors, b.anchors);
  ASSERT_EQ(a.devices.size(), b.devices.size());
  for (const auto& [id, state] : a.devices) {
    ASSERT_TRUE(b.devices.contains(id)) << id;
    const DeviceState& other = b.devices.at(id);
    EXPECT_EQ(state.uuid, other.uuid);
    EXPECT_EQ(state.credential_id, other.credential_id);
    EXPECT_EQ(state.enabled, other.enabled);
    EXPECT_EQ(state.policy_number, other.policy_number);
  }
}

TEST_F(Feed, follower_from_the_start_ends_up_with_the_snapshot) {
  make_factory({"alpha", "beta"});
  const Enrollment group = make_enrollment("group", "alpha", true);
  for (const char* id : {"a", "b", "c", "d"}) provision(id, group);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  ASSERT_TRUE(registry->update_device(call, kNs, "b", {false}));
  ASSERT_TRUE(registry->delete_device(call, kNs, "c"));
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=n")));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->create_device(call, kNs, "e"));
  // Another namespace and hub, which are none of this hub's business.
  ASSERT_TRUE(registry->create_namespace(call, "other"));
  ASSERT_TRUE(registry->create_device(call, "other", "a"));

  Follower follower{hub.uuid, hub.namespace_uuid, {}, {}};
  Sequence expected = 0;
  for (const Change& change : changes_since(0)) {
    EXPECT_EQ(change.sequence, ++expected) << "no gaps";
    follower.apply(change.body);
  }
  EXPECT_EQ(expected, registry->newest_sequence());

  Follower fresh{hub.uuid, hub.namespace_uuid, {}, {}};
  auto at = registry->snapshot(hub.uuid, [&](const ChangeBody& body) { fresh.apply(body); });
  ASSERT_TRUE(at);
  EXPECT_EQ(*at, expected);
  expect_same(fresh, follower);
  EXPECT_EQ(fresh.devices.at("d").policy_number, 1) << "the number of a deleted policy still stands for it";
}

TEST_F(Feed, changes_come_in_pieces_of_the_size_asked_for) {
  make_factory();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(registry->create_device(call, kNs, "d" + std::to_string(i)));
  Sequence at = 0;
  int pieces = 0;
  for (;;) {
    auto piece = registry->changes_after(at, 4);
    ASSERT_TRUE(piece);
    if (piece->empty()) break;
    EXPECT_LE(piece->size(), 4u);
    EXPECT_EQ(piece->front().sequence, at + 1);
    at = piece->back().sequence;
    ++pieces;
  }
  EXPECT_EQ(at, registry->newest_sequence());
  EXPECT_EQ(pieces, 3);
}

TEST_F(Feed, follower_of_forgotten_changes_is_sent_for_a_snapshot) {
  open({.batch_limit = 256, .keep_changes = 10, .before_commit = {}});
  make_factory({});
  // Pruning happens now and then, so there have to be many; one device going on and off makes them.
  ASSERT_TRUE(registry->create_device(call, kNs, "d"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 32; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 40; ++i) ASSERT_TRUE(registry->revoke_device(call, kNs, "d", false));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_REFUSED(registry->changes_after(0, 10), Reason::kPreconditionFailed);
  const Sequence newest = registry->newest_sequence();
  EXPECT_EQ(newest, 1u + 32 * 40);
  EXPECT_EQ(registry->changes_after(newest - 1, 10)->size(), 1u);
  EXPECT_TRUE(registry->changes_after(newest, 10)->empty());
}

TEST_F(Feed, follower_that_is_ahead_is_sent_for_a_snapshot) {
  make_factory();
  EXPECT_REFUSED(registry->changes_after(registry->newest_sequence() + 1, 10), Reason::kPreconditionFailed);
}

TEST_F(Feed, snapshot_of_an_unknown_hub_is_refused) {
  EXPECT_REFUSED(registry->snapshot(Uuid{}, [](const ChangeBody&) {}), Reason::kNotFound);
}

TEST_F(Feed, listener_hears_the_newest_number_and_can_be_taken_off) {
  std::vector<Sequence> heard;
  registry->set_commit_listener([&](Sequence newest) { heard.push_back(newest); });
  make_factory();
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back(), registry->newest_sequence());
  registry->set_commit_listener({});
  const auto count = heard.size();
  ASSERT_TRUE(registry->create_device(call, kNs, "d"));
  EXPECT_EQ(heard.size(), count);
}

// While devices change, snapshots plus the changes after their number are always the whole truth.
TEST_F(Feed, snapshot_taken_in_the_middle_plus_what_follows_is_the_end) {
  make_factory({"alpha"});
  const Enrollment group = make_enrollment("group", "alpha", true);
  std::atomic<int> working = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string id = "d" + std::to_string((t * 7 + i) % 20);
        static_cast<void>(registry->create_device(call, kNs, id));
        static_cast<void>(registry->revoke_device(call, kNs, id, i % 2 == 0));
        if (i % 5 == 0) static_cast<void>(registry->delete_device(call, kNs, id));
      }
      --working;
    });
  }
  std::vector<std::pair<Sequence, Follower>> followers;
  while (working > 0 || followers.empty()) {
    Follower follower{hub.uuid, hub.namespace_uuid, {}, {}};
    auto at = registry->snapshot(hub.uuid, [&](const ChangeBody& body) { follower.apply(body); });
    ASSERT_TRUE(at);
    followers.emplace_back(*at, std::move(follower));
  }
  for (auto& thread : threads) thread.join();
  Follower end{hub.uuid, hub.namespace_uuid, {}, {}};
  ASSERT_TRUE(registry->snapshot(hub.uuid, [&](const ChangeBody& body) { end.apply(body); }));
  for (auto& [at, follower] : followers) {
    for (const Change& change : must(registry->changes_after(at, 100000))) follower.apply(change.body);
    expect_same(follower, end);
  }
}

}  // namespace
}  // namespace latchkey::registry
