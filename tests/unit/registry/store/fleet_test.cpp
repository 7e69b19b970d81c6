// SPDX-License-Identifier: Apache-2.0
#include "registry/store/fleet.h"

#include <gmock/gmock.h>

#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Uuid id_of(unsigned number) {
  Uuid id;
  id.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

class Fleet : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::open(store_in(folder), Database::Access::kReadWrite);
    ASSERT_TRUE(opened);
    db = std::move(*opened);
    ASSERT_TRUE(migrate(*db));
    ASSERT_TRUE(db->begin_write());
    run("INSERT INTO namespaces VALUES ($1, 'plant', 1)", ns);
    run("INSERT INTO hubs (uuid, name, folded_name, namespace, host, created) VALUES ($1, 'hub', 'hub', $2, '', 1)",
        hub, ns);
    for (const Uuid& ca : {trusted, other}) {
      run("INSERT INTO cas (id, kind, status, owner, issuer, subject, serial, not_before, not_after, der, key_ref, "
          "revoked_at, crl_number, crl_wanted) VALUES ($1, 1, 1, $2, $2, '', '1', 0, 0, '', '', 0, 0, 0)",
          ca, ns);
    }
    run("INSERT INTO hub_certificates VALUES ($1, 'one', $2, NULL, 1)", hub, trusted);
  }
  void TearDown() override {
    if (db) db->rollback();
  }

  template <class... Values>
  void run(const char* sql, const Values&... values) {
    const auto done = db->query(sql, values...).run();
    ASSERT_TRUE(done) << done.error().detail;
  }
  static CredentialId identity(const Uuid& device) { return {device.bytes}; }
  Uuid make_device(unsigned number, bool enabled = true) {
    const Uuid device = id_of(number);
    const auto name = "d" + std::to_string(number);
    run("INSERT INTO devices VALUES ($1, $2, $3, $4, $5, NULL, $6, 1, 1, 1, 0)", device, ns, name, identity(device),
        enabled, name);
    return device;
  }
  struct Issued {
    Bytes serial;
    UnixMs not_after = 0;
    Uuid ca;
    int status = 2;
    CredentialId identity;
  };
  void issue(const Uuid& device, const Issued& one) {
    run("INSERT INTO certificates (serial, device, device_id, policy, ca, credential_id, not_before, not_after, "
        "status, "
        "reserved_at, issued_at, revoked_at) VALUES ($1, $2, '', $3, $4, $5, 7, $6, $7, 8, 9, 0)",
        one.serial, device, id_of(one.serial.front()), one.ca, one.identity, one.not_after, one.status);
  }
  void enroll(const Uuid& uuid, bool group, const char* id, const char* policy) {
    run("INSERT INTO enrollments (uuid, is_group, id, folded_id, namespace, attestation, primary_proof, "
        "secondary_proof, policy_name, enabled, device_id, created, updated) "
        "VALUES ($1, $2, $3, $3, $4, 1, '', '', $5, 1, '', 1, 1)",
        uuid, group, id, ns, policy);
  }
  void register_through(const Uuid& enrollment, const char* id) {
    run("INSERT INTO registrations (folded_id, registration_id, enrollment, namespace, device_id, hub, created, "
        "updated) "
        "VALUES ($1, $1, $2, $3, $1, $4, 1, 5)",
        id, enrollment, ns, hub);
  }
  std::vector<FleetDevice> look_at(const std::vector<Uuid>& devices) {
    std::vector<FleetDevice> found;
    const auto done = each_device(*db, devices, [&](const FleetDevice& device) { found.push_back(device); });
    EXPECT_TRUE(done);
    return found;
  }
  std::vector<Uuid> visited(const std::vector<Uuid>& devices) {
    std::vector<Uuid> uuids;
    for (const auto& device : look_at(devices)) uuids.push_back(device.uuid);
    return uuids;
  }
  std::vector<StandingCertificate> standing(UnixMs after = 0) {
    std::vector<StandingCertificate> all;
    EXPECT_TRUE(each_standing(*db, after, [&](const StandingCertificate& one) { all.push_back(one); }));
    return all;
  }

  tests::MemoryFolder folder;
  std::unique_ptr<Database> db;
  const Uuid ns = id_of(0xf001);
  const Uuid hub = id_of(0xf002);
  const Uuid trusted = id_of(0xf003);
  const Uuid other = id_of(0xf004);
};

TEST_F(Fleet, each_device_is_visited_once_however_long_the_list_is) {
  std::vector<Uuid> all;
  for (unsigned i = 0; i < 600; ++i) all.push_back(make_device(i));
  for (const std::ptrdiff_t count : {0, 1, 2, 255, 256, 257, 512, 600}) {
    const std::vector<Uuid> some(all.begin(), all.begin() + count);
    EXPECT_EQ(visited(some), some) << count;
  }
}

TEST_F(Fleet, a_device_that_is_gone_is_left_out) {
  const auto a = make_device(1);
  const auto c = make_device(3);
  EXPECT_THAT(visited({a, id_of(2), c}), ElementsAre(a, c));
  EXPECT_THAT(visited({id_of(2)}), IsEmpty());
}

TEST_F(Fleet, a_device_comes_with_what_it_was_issued_for_its_present_identity) {
  const auto a = make_device(1);
  const auto b = make_device(2);
  issue(a, {{1}, 100, trusted, 2, identity(a)});
  issue(a, {{2}, 200, other, 2, identity(a)});
  issue(a, {{3}, 300, trusted, 3, identity(a)});  // revoked
  issue(a, {{4}, 400, trusted, 2, identity(b)});  // for an identity that it had
  const auto found = look_at({a, b});
  ASSERT_EQ(found.size(), 2u);
  ASSERT_EQ(found[0].held.size(), 2u);
  EXPECT_EQ(found[0].held[0].ca, trusted);
  EXPECT_EQ(found[0].held[0].not_before, 7);
  EXPECT_EQ(found[0].held[0].not_after, 100);
  EXPECT_EQ(found[0].held[0].issued_at, 9);
  EXPECT_EQ(found[0].held[1].ca, other);
  EXPECT_THAT(found[1].held, IsEmpty());
}

TEST_F(Fleet, an_individual_enrollment_speaks_before_the_group) {
  enroll(id_of(0xe001), true, "group", "of-the-group");
  enroll(id_of(0xe002), false, "d1", "of-its-own");
  std::vector<Uuid> devices;
  for (const unsigned number : {1u, 2u, 3u}) devices.push_back(make_device(number));
  for (const char* id : {"d1", "d2"}) register_through(id_of(0xe001), id);
  const auto found = look_at(devices);
  ASSERT_EQ(found.size(), 3u);
  ASSERT_TRUE(found[0].door && found[1].door);
  EXPECT_EQ(found[0].door->policy_name, "of-its-own");
  EXPECT_EQ(found[1].door->policy_name, "of-the-group");
  EXPECT_EQ(found[1].assigned_hub, hub);
  EXPECT_EQ(found[1].registered, 5);
  EXPECT_FALSE(found[2].door);  // never registered
  EXPECT_FALSE(found[2].assigned_hub);
}

TEST_F(Fleet, a_device_stands_with_the_certificate_that_ends_last) {
  const auto a = make_device(1);
  const auto b = make_device(2, false);
  for (const std::uint8_t serial : {3, 9, 5}) issue(a, {{serial}, 100 + serial, trusted, 2, identity(a)});
  issue(b, {{4}, 50, trusted, 2, identity(b)});
  const auto all = standing();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].not_after, 109);
  EXPECT_TRUE(all[0].enabled);
  EXPECT_EQ(all[1].not_after, 50);
  EXPECT_FALSE(all[1].enabled);
}

TEST_F(Fleet, of_two_that_end_together_the_greater_serial_counts) {
  const auto a = make_device(1);
  for (const std::uint8_t serial : {6, 8, 7}) issue(a, {{serial}, 100, trusted, 2, identity(a)});
  const auto all = standing();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].policy, id_of(8));
}

TEST_F(Fleet, nobody_stands_with_what_no_hub_trusts_or_what_ended_before) {
  const auto a = make_device(1);
  issue(a, {{1}, 100, trusted, 2, identity(a)});
  issue(a, {{2}, 200, other, 2, identity(a)});            // of a CA that is on no hub
  issue(a, {{3}, 300, trusted, 3, identity(a)});          // revoked
  issue(a, {{4}, 400, trusted, 2, identity(id_of(99))});  // for an identity that it had
  ASSERT_EQ(standing().size(), 1u);
  EXPECT_EQ(standing()[0].not_after, 100);
  EXPECT_EQ(standing(99).size(), 1u);
  EXPECT_THAT(standing(100), IsEmpty());
}

}  // namespace
}  // namespace latchkey::registry::store
