// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/issuance.h"

#include <algorithm>
#include <thread>

#include "hub/ca/certificate_view.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::CertificateStatus;
using registry::Reason;

class IssuanceTest : public World {};

TEST_F(IssuanceTest, chain_is_leaf_issuing_root_and_verifies) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  const auto issued = issuance.issue(call_, granted, csr("dev-1"));
  ASSERT_TRUE(issued) << issued.error().detail;
  EXPECT_EQ(issued->value.issuing, issuing_.der);
  EXPECT_EQ(issued->value.root, root_.der);
  put_certificate(folder_, "leaf", issued->value.leaf);
  put_certificate(folder_, "ica", issued->value.issuing);
  put_certificate(folder_, "root", issued->value.root);
  const Ran ran = run(folder_.path(), "openssl verify -attime " + std::to_string(kNow / 1000) +
                                          " -purpose sslclient -CAfile root.pem -untrusted ica.pem leaf.pem");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(IssuanceTest, leaf_carries_what_was_granted) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  const auto issued = issuance.issue(call_, granted, csr("dev-1"));
  ASSERT_TRUE(issued);
  const auto seen = view_certificate(issued->value.leaf);
  ASSERT_TRUE(seen && seen->identifier);
  EXPECT_EQ(seen->serial, granted.serial);
  EXPECT_EQ(seen->not_before, granted.not_before);
  EXPECT_EQ(seen->not_after, granted.not_after);
  const auto device = registry_->find_device("space", "dev-1");
  EXPECT_EQ(*seen->identifier, (DeviceIdentifier{device->uuid, device->credential_id}));
}

TEST_F(IssuanceTest, certificate_is_recorded_as_issued_before_it_is_answered) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  EXPECT_EQ(status_of("dev-1", granted.serial), CertificateStatus::kReserved);
  ASSERT_TRUE(issuance.issue(call_, granted, csr("dev-1")));
  EXPECT_EQ(status_of("dev-1", granted.serial), CertificateStatus::kIssued);
}

TEST_F(IssuanceTest, certificate_of_a_device_revoked_meanwhile_is_dead_on_arrival) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  ASSERT_TRUE(registry_->revoke_device(call_, "space", "dev-1", false));
  const auto issued = issuance.issue(call_, granted, csr("dev-1"));
  EXPECT_EQ(status_of("dev-1", granted.serial), CertificateStatus::kRevoked);
  ASSERT_TRUE(issued);
  const auto device = registry_->find_device("space", "dev-1");
  EXPECT_NE(view_certificate(issued->value.leaf)->identifier->credential, device->credential_id);
}

TEST_F(IssuanceTest, destroyed_issuing_key_is_an_issuance_failure) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  ASSERT_TRUE(files_->destroy(issuing_.key_ref));
  const auto issued = issuance.issue(call_, granted, csr("dev-1"));
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().reason, Reason::kIssuanceFailed);
  EXPECT_EQ(status_of("dev-1", granted.serial), CertificateStatus::kReserved);
}

TEST_F(IssuanceTest, unknown_ca_is_an_issuance_failure) {
  Issuance issuance(*registry_, *authority_);
  auto granted = grant("dev-1");
  granted.ca.bytes.fill(0xee);
  const auto issued = issuance.issue(call_, granted, csr("dev-1"));
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().reason, Reason::kIssuanceFailed);
}

TEST_F(IssuanceTest, serial_that_was_never_reserved_is_refused) {
  Issuance issuance(*registry_, *authority_);
  auto granted = grant("dev-1");
  granted.serial = Authority::new_serial();
  EXPECT_FALSE(issuance.issue(call_, granted, csr("dev-1")));
}

TEST_F(IssuanceTest, closed_registry_issues_nothing) {
  Issuance issuance(*registry_, *authority_);
  const auto granted = grant("dev-1");
  const Csr request = csr("dev-1");
  ASSERT_TRUE(issuance.issue(call_, granted, request));
  const auto second = grant("dev-1");
  registry_->close();
  const auto issued = issuance.issue(call_, second, request);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().reason, Reason::kShuttingDown);
}

TEST_F(IssuanceTest, many_threads_issue_at_once) {
  Issuance issuance(*registry_, *authority_);
  const Csr request = csr("dev");
  std::vector<registry::IssuanceGrant> grants;
  for (int i = 0; i < 32; ++i) grants.push_back(grant("dev-" + std::to_string(i)));
  std::vector<registry::Bytes> leaves(grants.size());
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < grants.size(); i += 4) {
        if (auto issued = issuance.issue(call_, grants[i], request)) leaves[i] = issued->value.leaf;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < grants.size(); ++i) {
    EXPECT_TRUE(verify_chain(leaves[i], {}, {issuing_.der}, kNow)) << i;
    EXPECT_EQ(view_certificate(leaves[i])->common_name, grants[i].device_id);
  }
}

}  // namespace
}  // namespace latchkey::hub::ca::test
