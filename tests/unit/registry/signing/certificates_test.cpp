// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/certificates.h"

#include "registry/signing/operations.h"
#include "registry/signing/standing.h"
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::registry::signing {
namespace {

Uuid id_of(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

class CertificateRowsTest : public testing::Test {
 protected:
  void SetUp() override {
    registry = std::move(*Registry::open({.path = store_in(folder)}, openssl::host_digest()));
    rows = std::make_unique<CertificateRows>(rows_of(*registry));
    operations = std::make_unique<OperationRows>(rows_of(*registry));
    Authority ca;
    ca.id = ca.issuer = id_of(1);
    ca.serial = {1};
    ASSERT_TRUE(rows->add_authorities(call, {ca}));
  }
  Certificate certificate(std::uint8_t number) {
    Certificate one;
    one.serial = {number};
    one.account = id_of(8);
    one.profile = id_of(9);
    one.authority = id_of(1);
    one.thumbprint = Bytes(20, number);
    one.key_ref = "key";
    one.not_before = kNow + number;
    one.not_after = kNow + kDay;
    return one;
  }
  Operation operation(std::uint64_t number) {
    Operation one;
    one.number = number;
    one.profile = id_of(9);
    one.account = id_of(8);
    one.algorithm = "ES256";
    return one;
  }
  tests::MemoryFolder folder;
  const Call call{"tester", kNow};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<CertificateRows> rows;
  std::unique_ptr<OperationRows> operations;
};

TEST_F(CertificateRowsTest, standing_is_by_the_authority_that_certified) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  ASSERT_TRUE(rows->add(call, "profile", certificate(6)));
  ASSERT_TRUE(rows->add(call, "profile", certificate(7)));
  const auto order = [](std::uint8_t number, UnixMs from) {
    return RevocationRequest{{number}, Bytes(20, number), from, 4, {}};
  };
  ASSERT_TRUE(rows->revoke(call, "profile", id_of(9), {order(6, kNow + 100)}, CertificateRows::Hold::kNo));
  ASSERT_TRUE(rows->revoke(call, "profile", id_of(9), {order(7, kNow + 100)}, CertificateRows::Hold::kYes));
  const auto here = must(standing_of(rows_of(*registry), id_of(1), {{7}, {6}, {5}, {4}, {1}, {}}));
  ASSERT_EQ(here.size(), 6u);
  EXPECT_TRUE(here[0].issued && !here[0].revoked) << "in progress";
  EXPECT_TRUE(here[1].revoked);
  EXPECT_EQ(here[1].effective_at, kNow + 100);
  EXPECT_EQ(here[1].reason, 4);
  EXPECT_TRUE(here[2].issued && !here[2].revoked);
  EXPECT_FALSE(here[3].issued);
  EXPECT_TRUE(here[4].issued && !here[4].revoked) << "the root itself";
  EXPECT_FALSE(here[5].issued);
  EXPECT_FALSE(must(standing_of(rows_of(*registry), id_of(2), {{6}}))[0].issued) << "another authority's";
}

TEST_F(CertificateRowsTest, a_serial_or_thumbprint_is_there_once) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  EXPECT_REFUSED(rows->add(call, "profile", certificate(5)), Reason::kAlreadyExists);
  auto same_thumbprint = certificate(6);
  same_thumbprint.thumbprint = certificate(5).thumbprint;
  EXPECT_REFUSED(rows->add(call, "profile", same_thumbprint), Reason::kAlreadyExists);
  EXPECT_EQ(must(rows->of_profile(id_of(9))).size(), 1u);
}

TEST_F(CertificateRowsTest, authorities_come_all_or_none) {
  Authority fresh;
  fresh.id = fresh.issuer = id_of(2);
  Authority known;
  known.id = known.issuer = id_of(1);
  EXPECT_REFUSED(rows->add_authorities(call, {fresh, known}), Reason::kAlreadyExists);
  EXPECT_EQ(must(rows->authorities()).size(), 1u);
}

TEST_F(CertificateRowsTest, a_list_that_lacks_somebody_is_not_taken) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  const auto order = must(rows->list_order(id_of(1)));
  EXPECT_EQ(order.number, 1u);
  EXPECT_TRUE(order.entries.empty());
  ASSERT_TRUE(
      rows->revoke(call, "profile", id_of(9), {{{5}, Bytes(20, 5), kNow + 100, 1, ""}}, CertificateRows::Hold::kNo));
  EXPECT_REFUSED(rows->put_list(id_of(1), order, {1}, kNow), Reason::kPreconditionFailed);
  EXPECT_TRUE(must(rows->authorities())[0].list_due);
  const auto again = must(rows->list_order(id_of(1)));
  ASSERT_EQ(again.entries.size(), 1u);
  EXPECT_EQ(again.entries[0].effective_at, kNow + 100);
  ASSERT_TRUE(rows->put_list(id_of(1), again, {2}, kNow));
  EXPECT_FALSE(must(rows->authorities())[0].list_due);
  // The same number is not given out twice.
  EXPECT_REFUSED(rows->put_list(id_of(1), again, {3}, kNow), Reason::kPreconditionFailed);
  EXPECT_EQ(must(rows->authorities())[0].list, Bytes{2});
  EXPECT_REFUSED(rows->list_order(id_of(7)), Reason::kNotFound);
}

TEST_F(CertificateRowsTest, the_newest_is_the_last_that_has_begun) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  ASSERT_TRUE(rows->add(call, "profile", certificate(6)));
  EXPECT_FALSE(must(rows->newest_of(id_of(9), kNow + 4)));
  EXPECT_EQ(must(rows->newest_of(id_of(9), kNow + 5))->serial, Bytes{5});
  EXPECT_EQ(must(rows->newest_of(id_of(9), kNow + 6))->serial, Bytes{6});
  EXPECT_FALSE(must(rows->newest_of(id_of(8), kNow + 6)));
}

TEST_F(CertificateRowsTest, keys_are_idle_after_the_end_and_after_a_revocation) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  ASSERT_TRUE(rows->add(call, "profile", certificate(6)));
  EXPECT_TRUE(must(rows->with_idle_key(kNow + kDay)).empty());
  EXPECT_EQ(must(rows->with_idle_key(kNow + kDay + 1)).size(), 2u);
  ASSERT_TRUE(
      rows->revoke(call, "profile", id_of(9), {{{5}, Bytes(20, 5), kNow + 100, 1, ""}}, CertificateRows::Hold::kNo));
  EXPECT_EQ(must(rows->with_idle_key(kNow)).size(), 1u);
  ASSERT_TRUE(rows->forget_key({5}));
  EXPECT_TRUE(must(rows->with_idle_key(kNow)).empty());
}

TEST_F(CertificateRowsTest, operations_that_begin_and_end_in_one_commit_are_counted_like_others) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  ASSERT_TRUE(rows->add(call, "profile", certificate(6)));
  ASSERT_TRUE(
      rows->revoke(call, "profile", id_of(9), {{{6}, Bytes(20, 6), kNow + 100, 1, ""}}, CertificateRows::Hold::kNo));
  const auto first = operation(1);
  const auto second = operation(2);
  const auto third = operation(3);
  std::vector<OperationEnd> none;
  ASSERT_TRUE(operations->write({&first}, none));
  std::vector<OperationEnd> ends = {{2, OperationStatus::kSucceeded, {5}, {7}, {}, kNow},
                                    {1, OperationStatus::kSucceeded, {5}, {8}, {}, kNow},
                                    {3, OperationStatus::kSucceeded, {6}, {9}, {}, kNow},
                                    {4, OperationStatus::kSucceeded, {5}, {9}, {}, kNow}};
  ASSERT_TRUE(operations->write({&second, &third}, ends));
  EXPECT_EQ(must(operations->find(1))->signature, Bytes{8});
  EXPECT_EQ(must(operations->find(2))->signature, Bytes{7});
  EXPECT_EQ(must(operations->find(2))->ended, kNow);
  EXPECT_EQ(must(operations->find(3))->status, OperationStatus::kFailed) << "its certificate is revoked";
  EXPECT_TRUE(must(operations->find(3))->signature.empty());
  EXPECT_FALSE(must(operations->find(4))) << "it was never begun";
  EXPECT_TRUE(must(operations->open()).empty());
  EXPECT_EQ(must(operations->usage(id_of(8), month_of(kNow))), 2u);
}

TEST_F(CertificateRowsTest, an_operation_ends_once) {
  ASSERT_TRUE(rows->add(call, "profile", certificate(5)));
  const auto begun = operation(1);
  std::vector<OperationEnd> ends = {{1, OperationStatus::kSucceeded, {5}, {7}, {}, kNow}};
  ASSERT_TRUE(operations->write({&begun}, ends));
  EXPECT_EQ(must(operations->find(1))->signature, Bytes{7});
  EXPECT_TRUE(must(operations->open()).empty());
  ends = {{1, OperationStatus::kFailed, {}, {}, "late", kNow}};
  ASSERT_TRUE(operations->write({}, ends));
  EXPECT_EQ(must(operations->find(1))->status, OperationStatus::kSucceeded);
  EXPECT_EQ(must(operations->newest()), 1u);
}

TEST_F(CertificateRowsTest, what_an_unknown_certificate_signed_has_failed) {
  const auto begun = operation(1);
  std::vector<OperationEnd> ends = {{1, OperationStatus::kSucceeded, {99}, {7}, {}, kNow}};
  ASSERT_TRUE(operations->write({&begun}, ends));
  EXPECT_EQ(ends[0].status, OperationStatus::kFailed);
  EXPECT_EQ(must(operations->find(1))->status, OperationStatus::kFailed);
}

TEST_F(CertificateRowsTest, months_are_the_calendars) {
  EXPECT_EQ(month_of(0), 1970 * 12);
  EXPECT_EQ(month_of(1'769'903'999'999), 2026 * 12);      // 2026-01-31T23:59:59.999Z
  EXPECT_EQ(month_of(1'769'904'000'000), 2026 * 12 + 1);  // 2026-02-01
}

}  // namespace
}  // namespace latchkey::registry::signing
