// SPDX-License-Identifier: Apache-2.0
#include "registry/store/sparing.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <thread>

#include "registry/store/cas.h"
#include "registry/store/enrollments.h"
#include "registry/store/hubs.h"
#include "registry/store/policies.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

class SparingTest : public testing::Test {
 protected:
  SparingTest() {
    database_ = std::move(*Database::open(store_in(folder_), Database::Access::kReadWrite));
    EXPECT_TRUE(make_ready(*database_));
  }
  using Write = std::function<Outcome<Nothing>(Database&)>;

  tests::MemoryFolder folder_;
  std::unique_ptr<Database> database_;
};

TEST_F(SparingTest, whatever_is_remembered_is_not_changed) {
  const std::map<std::string, Write> writes = {
      {"new enrollment", [](Database& db) { return insert(db, Enrollment{}); }},
      {"enrollment", [](Database& db) { return update(db, Enrollment{}); }},
      {"enrollment that goes", [](Database& db) { return remove(db, Enrollment{}); }},
      {"new policy", [](Database& db) { return insert(db, Policy{}); }},
      {"validity", [](Database& db) { return set_validity(db, Uuid{}, 1); }},
      {"issuing CA", [](Database& db) { return set_issuing_ca(db, Uuid{}, Uuid{}, KeyProfile::kEcP256); }},
      {"policy that goes", [](Database& db) { return mark_policy_deleted(db, Uuid{}, 1); }},
      {"new hub", [](Database& db) { return insert(db, Hub{}); }},
      {"hub", [](Database& db) { return update(db, Hub{}); }},
      {"hub that goes", [](Database& db) { return remove(db, Uuid{}); }},
      {"what a hub trusts", [](Database& db) { return insert(db, HubCertificate{}); }},
      {"what it trusts no more", [](Database& db) { return delete_hub_certificate(db, Uuid{}, "a"); }},
      {"new CA", [](Database& db) { return insert(db, CaCertificate{}); }},
      {"CA that was signed", [](Database& db) { return activate(db, CaCertificate{}); }},
      {"CA that was given up", [](Database& db) { return give_up_pending(db, Uuid{}); }},
      {"CAs that are retired", [](Database& db) { return retire_cas(db, Uuid{}); }},
      {"revoked CA", [](Database& db) { return revoke_ca(db, Uuid{}, 1, RevocationReason::kUnspecified); }},
  };
  for (const auto& [what, write] : writes) {
    const Sparing sparing;
    const auto done = write(*database_);
    ASSERT_FALSE(done) << what;
    EXPECT_EQ(done.error().reason, Reason::kInternal) << what;
  }
}

TEST_F(SparingTest, everything_is_read_and_what_comes_and_goes_with_issuance_is_written) {
  const std::map<std::string, Write> writes = {
      {"setting", [](Database& db) { return put_setting(db, "a", "b"); }},
      {"list that changed", [](Database& db) { return order_crl(db, Uuid{}); }},
      {"list that is out", [](Database& db) { return crl_published(db, Uuid{}, 1); }},
      {"list that stays due", [](Database& db) { return keep_crl_due(db, Uuid{}); }},
      {"key that is gone", [](Database& db) { return forget_key(db, Uuid{}); }},
  };
  const Sparing sparing;
  for (const auto& [what, write] : writes) EXPECT_TRUE(write(*database_)) << what;
  EXPECT_TRUE(find_enrollment(*database_, "a", false));
  EXPECT_TRUE(list_policies(*database_, Uuid{}));
  EXPECT_TRUE(list_hubs(*database_));
  EXPECT_TRUE(find_signer(*database_, Uuid{}));
  EXPECT_EQ(**find_setting(*database_, "a"), "b");
}

TEST_F(SparingTest, holds_for_its_thread_until_it_ends) {
  const auto write = [this] { return set_validity(*database_, Uuid{}, 1).has_value(); };
  EXPECT_TRUE(write());
  {
    const Sparing sparing;
    EXPECT_FALSE(write());
    bool elsewhere = false;
    std::thread([&] { elsewhere = write(); }).join();
    EXPECT_TRUE(elsewhere);
    {
      const Sparing not_here(false);
      EXPECT_TRUE(write());
    }
    EXPECT_FALSE(write());
  }
  EXPECT_TRUE(write());
}

}  // namespace
}  // namespace latchkey::registry::store
