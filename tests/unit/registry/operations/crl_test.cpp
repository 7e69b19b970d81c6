// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Crls : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha", "beta"});
    alpha = registry->find_policy(kNs, "alpha")->ca;
    beta = registry->find_policy(kNs, "beta")->ca;
    root = registry->find_credential(kNs)->ca;
  }
  CrlOrder order_of(const Uuid& ca) {
    for (auto& order : must(registry->due_crls(call.now))) {
      if (order.ca.id == ca) return order;
    }
    ADD_FAILURE() << "no list is due";
    return {};
  }

  Uuid alpha, beta, root;
};

TEST_F(Crls, new_ca_owes_its_first_empty_list) {
  const auto due = registry->due_crls(kNow);
  ASSERT_EQ(due->size(), 3u);
  for (const auto& order : *due) {
    EXPECT_EQ(order.number, 1u);
    EXPECT_TRUE(order.revoked.empty());
    EXPECT_TRUE(order.ca.crl_due);
  }
}

TEST_F(Crls, published_list_is_due_no_more_and_numbers_increase) {
  publish_all();
  EXPECT_EQ(registry->find_ca(alpha)->crl_number, 1u);
  EXPECT_FALSE(registry->find_ca(alpha)->crl_due);
  provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  const CrlOrder order = order_of(alpha);
  EXPECT_GT(order.number, 1u);
  ASSERT_TRUE(registry->crl_published(alpha, order.number, 1));
  EXPECT_EQ(registry->find_ca(alpha)->crl_number, order.number);
  EXPECT_FALSE(registry->find_ca(beta)->crl_due);
}

TEST_F(Crls, change_between_order_and_publication_keeps_the_list_due) {
  provision("a", make_enrollment("a"));
  provision("b", make_enrollment("b"));
  publish_all();
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  const CrlOrder order = order_of(alpha);
  ASSERT_EQ(order.revoked.size(), 1u);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "b", false));
  ASSERT_TRUE(registry->crl_published(alpha, order.number, order.revoked.size()));
  EXPECT_TRUE(registry->find_ca(alpha)->crl_due);
  const CrlOrder next = order_of(alpha);
  EXPECT_GT(next.number, order.number);
  EXPECT_EQ(next.revoked.size(), 2u);
}

TEST_F(Crls, change_that_leaves_the_count_alone_keeps_the_list_due) {
  const auto first = provision("a", make_enrollment("a"));
  call.now = first.not_after - 1000;
  provision("b", make_enrollment("b"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  const CrlOrder order = order_of(alpha);
  ASSERT_EQ(order.revoked.size(), 1u);
  call.now = first.not_after;  // the first one expires, the second is revoked: still one entry
  ASSERT_TRUE(registry->revoke_device(call, kNs, "b", false));
  ASSERT_TRUE(registry->crl_published(alpha, order.number, order.revoked.size()));
  ASSERT_EQ(order_of(alpha).revoked.size(), 1u);
  EXPECT_NE(order_of(alpha).revoked[0].serial, order.revoked[0].serial);
}

TEST_F(Crls, publications_out_of_order_never_go_back) {
  provision("a", make_enrollment("a"));
  const CrlOrder old = order_of(alpha);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "a", false));
  const CrlOrder recent = order_of(alpha);
  ASSERT_TRUE(registry->crl_published(alpha, recent.number, 1));
  ASSERT_TRUE(registry->crl_published(alpha, old.number, 0));
  EXPECT_EQ(registry->find_ca(alpha)->crl_number, recent.number);
  EXPECT_FALSE(registry->find_ca(alpha)->crl_due);
}

TEST_F(Crls, number_from_before_a_restored_backup_is_taken_over) {
  ASSERT_TRUE(registry->crl_published(alpha, 40, 0));
  EXPECT_FALSE(registry->find_ca(alpha)->crl_due);
  EXPECT_EQ(registry->crl_order(alpha, kNow)->number, 41u);
}

TEST_F(Crls, expired_serials_leave_the_list) {
  const auto leaf = provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(order_of(alpha).revoked.size(), 1u);
  EXPECT_EQ(order_of(alpha).revoked[0].revoked_at, kNow);
  call.now = leaf.not_after;
  EXPECT_TRUE(order_of(alpha).revoked.empty());
}

TEST_F(Crls, list_can_be_ordered_though_nothing_changed) {
  publish_all();
  auto order = registry->crl_order(alpha, kNow);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->number, 2u);
  EXPECT_TRUE(registry->find_ca(alpha)->crl_due) << "until it is published";
  ASSERT_TRUE(registry->crl_published(alpha, order->number, 0));
  EXPECT_FALSE(registry->find_ca(alpha)->crl_due);
}

TEST_F(Crls, order_that_a_change_overtakes_does_not_hide_it) {
  provision("dev", make_enrollment("dev"));
  publish_all();
  auto order = registry->crl_order(alpha, kNow);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  ASSERT_TRUE(registry->crl_published(alpha, order->number, order->revoked.size()));
  EXPECT_EQ(order_of(alpha).revoked.size(), 1u);
}

TEST_F(Crls, unknown_ca_and_ca_without_key_are_refused) {
  EXPECT_REFUSED(registry->crl_order(Uuid{}, kNow), Reason::kNotFound);
  EXPECT_REFUSED(registry->crl_published(Uuid{}, 1, 0), Reason::kNotFound);
  EXPECT_REFUSED(registry->ca_ended(Uuid{}, 1), Reason::kNotFound);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  publish_all();
  EXPECT_REFUSED(registry->crl_order(alpha, kNow), Reason::kNotFound);
}

TEST_F(Crls, deleted_ca_owes_one_last_list_and_then_nothing) {
  provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  publish_all();
  const std::uint64_t before = registry->find_ca(alpha)->crl_number;
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  const CrlOrder order = order_of(alpha);
  EXPECT_TRUE(order.last);
  EXPECT_GT(order.number, before);
  EXPECT_EQ(order.revoked.size(), 1u);
  EXPECT_FALSE(order.ca.key_ref.empty());
  ASSERT_TRUE(registry->ca_ended(alpha, order.number));
  EXPECT_EQ(registry->find_ca(alpha)->crl_number, order.number);
  EXPECT_TRUE(registry->find_ca(alpha)->key_ref.empty());
  EXPECT_FALSE(due_list(alpha));
  EXPECT_TRUE(registry->ca_ended(alpha, order.number)) << "may be said twice";
}

TEST_F(Crls, issuing_ca_that_was_revoked_before_its_policy_was_deleted_owes_one_as_well) {
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=n")));
  EXPECT_FALSE(registry->crl_order(alpha, kNow)->last) << "revoked, and signs on";
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  const CrlOrder order = order_of(alpha);
  EXPECT_TRUE(order.last);
  ASSERT_TRUE(registry->ca_ended(alpha, order.number));
  EXPECT_TRUE(registry->find_ca(alpha)->key_ref.empty());
  EXPECT_EQ(registry->find_ca(alpha)->status, CaStatus::kRevoked) << "it stays on the root's list";
}

TEST_F(Crls, root_of_a_deleted_credential_owes_one_as_well) {
  EXPECT_FALSE(order_of(root).last);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));
  EXPECT_FALSE(order_of(root).last);
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  EXPECT_TRUE(order_of(root).last);
}

TEST_F(Crls, revocation_while_the_last_list_is_signed_keeps_the_key_for_another_one) {
  provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  const CrlOrder order = order_of(alpha);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_REFUSED(registry->ca_ended(alpha, order.number), Reason::kPreconditionFailed);
  EXPECT_FALSE(registry->find_ca(alpha)->key_ref.empty());
  const CrlOrder next = order_of(alpha);
  EXPECT_TRUE(next.last);
  EXPECT_EQ(next.revoked.size(), 1u);
  EXPECT_TRUE(registry->ca_ended(alpha, next.number));
}

TEST_F(Crls, deleted_ca_stays_due_whatever_else_is_published) {
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  for (const std::uint64_t number : {order_of(alpha).number, std::uint64_t{40}}) {
    ASSERT_TRUE(registry->crl_published(alpha, number, 0));
    EXPECT_EQ(registry->find_ca(alpha)->crl_number, number);
    EXPECT_GT(order_of(alpha).number, number);
    EXPECT_TRUE(order_of(alpha).last);
  }
}

TEST_F(Crls, ca_in_use_is_not_ended) {
  EXPECT_REFUSED(registry->ca_ended(alpha, order_of(alpha).number), Reason::kPreconditionFailed);
  EXPECT_REFUSED(registry->ca_ended(root, order_of(root).number), Reason::kPreconditionFailed);
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=n")));
  EXPECT_REFUSED(registry->ca_ended(alpha, order_of(alpha).number), Reason::kPreconditionFailed);
  EXPECT_FALSE(registry->find_ca(alpha)->key_ref.empty());
}

TEST_F(Crls, ca_without_key_owes_nothing_also_when_its_leaves_are_revoked) {
  const auto leaf = provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  publish_all();
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kRevoked);
  EXPECT_FALSE(due_list(alpha));
  EXPECT_FALSE(registry->find_ca(alpha)->crl_due);
}

TEST_F(Crls, revoked_issuing_ca_leaves_the_roots_list_when_it_expires) {
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=n")));
  EXPECT_EQ(order_of(root).revoked.size(), 1u);
  call.now = registry->find_ca(alpha)->not_after;
  EXPECT_TRUE(order_of(root).revoked.empty());
}

// A publisher works while devices are revoked; whatever the interleaving, the last list has every serial.
TEST_F(Crls, nothing_is_lost_between_a_publisher_and_revocations) {
  constexpr int kDevices = 60;
  const Enrollment group = make_enrollment("group", "alpha", true);
  for (int i = 0; i < kDevices; ++i) provision("d" + std::to_string(i), group);
  std::atomic<bool> done = false;
  std::size_t published_entries = 0;
  auto publish = [&] {
    for (const auto& order : must(registry->due_crls(kNow))) {
      if (order.ca.id == alpha) published_entries = order.revoked.size();
      ASSERT_TRUE(registry->crl_published(order.ca.id, order.number, order.revoked.size()));
    }
  };
  std::thread publisher([&] {
    while (!done) publish();
  });
  std::vector<std::thread> operators;
  for (int t = 0; t < 4; ++t) {
    operators.emplace_back([&, t] {
      for (int i = t; i < kDevices; i += 4)
        ASSERT_TRUE(registry->revoke_device(call, kNs, "d" + std::to_string(i), false));
    });
  }
  for (auto& thread : operators) thread.join();
  done = true;
  publisher.join();
  publish();
  EXPECT_EQ(published_entries, static_cast<std::size_t>(kDevices));
  EXPECT_TRUE(registry->due_crls(kNow)->empty());
}

}  // namespace
}  // namespace latchkey::registry
